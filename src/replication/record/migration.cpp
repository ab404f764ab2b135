// SPDX-License-Identifier: Apache-2.0
#include "replication/record/migration.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace etcdsync::replication {
namespace {

using keys::key_range;

std::optional<checkpoint> readable(const found_record& found, std::string_view instance) {
    auto parsed = parse_checkpoint(found.text);
    if (!parsed || parsed->instance != instance) return std::nullopt;
    return *std::move(parsed);
}

/// The checkpoints on a slave, sorted by whether the configuration wants them.
struct inventory {
    inventory(const found_records& found, const record_set& wanted, std::string_view instance) {
        for (const found_record& one : found.records) {
            const auto is_it = [&one](const wanted_record& w) { return w.key == one.key; };
            const bool is_wanted = std::any_of(wanted.wanted().begin(), wanted.wanted().end(), is_it);
            auto record = readable(one, instance);
            if (!is_wanted) {
                unwanted.push_back(one.key);
                const bool of_this_mode = wanted.is_per_rule() && wanted.per_rule().contains(one.key);
                both_modes = both_modes || !of_this_mode;
            }
            if (!record) continue;
            last_seq = std::max(last_seq, record->seq);
            auto& to = is_wanted ? own : others;
            to.emplace_back(one.key, *std::move(record));
        }
        both_modes = both_modes && !own.empty();
    }

    [[nodiscard]] const checkpoint* own_of(const std::string& key) const {
        for (const auto& [at, record] : own) {
            if (at == key) return &record;
        }
        return nullptr;
    }

    std::vector<std::pair<std::string, checkpoint>> own;     ///< wanted and readable
    std::vector<std::pair<std::string, checkpoint>> others;  ///< not wanted and readable
    std::vector<std::string> unwanted;
    std::uint64_t last_seq = 0;
    /// Checkpoints of both modes exist, which no daemon leaves behind: none of them is trusted.
    bool both_modes = false;
};

/// Adds the parts of `spans` that lie in `within` and not in `taken`.
void add_spans(std::vector<span>& to, const std::vector<span>& spans, const key_range& within,
               const std::vector<span>& taken) {
    for (const span& each : spans) {
        const auto shared = keys::intersect(each.keys, within);
        if (!shared) continue;
        std::vector<key_range> left{*shared};
        for (const span& held : taken) {
            std::vector<key_range> next;
            for (const key_range& part : left) {
                for (key_range& rest : keys::subtract(part, held.keys)) next.push_back(std::move(rest));
            }
            left = std::move(next);
        }
        for (key_range& part : left) to.push_back({std::move(part), each.since});
    }
}

std::vector<span> spans_of(const std::vector<std::pair<std::string, checkpoint>>& records) {
    std::vector<span> all;
    for (const auto& [key, record] : records) all.insert(all.end(), record.spans.begin(), record.spans.end());
    return all;
}

/// The checkpoint to start from if a wanted one does not exist yet: the one with the newest
/// revision.
const checkpoint* newest_record(const std::vector<std::pair<std::string, checkpoint>>& others) {
    const auto at = std::max_element(others.begin(), others.end(),
                                     [](const auto& a, const auto& b) { return a.second.rev < b.second.rev; });
    return at == others.end() ? nullptr : &at->second;
}

std::optional<checkpoint> successor_record(const wanted_record& wanted, const inventory& have) {
    const checkpoint* const own = have.own_of(wanted.key);
    const checkpoint* const base = own != nullptr ? own : newest_record(have.others);
    if (base == nullptr) return std::nullopt;
    checkpoint out = *base;
    std::vector<span> old = spans_of(have.others);
    std::vector<span> kept;
    if (own != nullptr && have.both_modes) {
        old.insert(old.end(), own->spans.begin(), own->spans.end());
    } else if (own != nullptr) {
        kept = own->spans;
    }
    old = merge_spans(old);
    out.spans = kept;
    for (const segment& part : wanted.keys.segments()) add_spans(out.spans, old, part.target, kept);
    std::sort(out.spans.begin(), out.spans.end(),
              [](const span& a, const span& b) { return a.keys.begin < b.keys.begin; });
    if (own == nullptr && out.spans.empty())
        return std::nullopt;  // no checkpoint had these keys: their first sync is still to come
    // R of a checkpoint is true for the keys it was about. Under its digest of the rules it can
    // still prove the history for them, but the link compares all keys. Of several checkpoints each
    // has another R: none of them can be resumed as it is.
    const bool same_rules = base->rules == wanted.keys.digest();
    if (have.both_modes || (own == nullptr && same_rules && have.others.size() > 1)) out.rules.clear();
    out.seq = have.last_seq + 1;
    return out;
}

}  // namespace

migration plan_migration(const found_records& found, const record_set& wanted, std::string_view instance) {
    migration plan;
    const inventory have(found, wanted, instance);
    if (have.unwanted.empty()) return plan;
    for (const wanted_record& record : wanted.wanted()) {
        auto next = successor_record(record, have);
        if (next) plan.steps.push_back({record.key, *std::move(next)});
    }
    for (const std::string& key : have.unwanted) {
        plan.steps.push_back({key, std::nullopt});
        plan.removed_keys += (plan.removed_keys.empty() ? "" : " ") + key;
    }
    for (const auto& [key, record] : have.others) {
        if (record.seq >= plan.activity.seq || plan.activity.writer.empty()) plan.activity.writer = record.writer;
    }
    for (const auto& [key, record] : have.others) plan.activity.seq += record.seq;
    return plan;
}

std::vector<span> merge_spans(const std::vector<span>& spans) {
    std::set<std::string> cuts;
    for (const span& each : spans) {
        cuts.insert(each.keys.begin);
        if (!each.keys.end.empty()) cuts.insert(each.keys.end);
    }
    std::vector<span> out;
    for (auto at = cuts.begin(); at != cuts.end(); ++at) {
        const key_range piece{*at, std::next(at) == cuts.end() ? std::string() : *std::next(at)};
        std::optional<revision> youngest;
        for (const span& each : spans) {
            if (each.keys.contains(piece)) youngest = std::max(youngest.value_or(0), each.since);
        }
        if (!youngest) continue;
        const bool continues = !out.empty() && out.back().keys.end == piece.begin && out.back().since == *youngest;
        if (continues) {
            out.back().keys.end = piece.end;
        } else {
            out.push_back({piece, *youngest});
        }
    }
    return out;
}

}  // namespace etcdsync::replication
