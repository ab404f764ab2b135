// SPDX-License-Identifier: Apache-2.0
#include "replication/record/migration.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace etcdsync::replication {
namespace {

using keys::key_range;

std::optional<checkpoint> readable(const found_record& found) {
    auto parsed = parse_checkpoint(found.text);
    if (!parsed) return std::nullopt;
    return *std::move(parsed);
}

std::set<std::string_view> keys_of(const record_set& wanted) {
    std::set<std::string_view> out;
    for (const wanted_record& one : wanted.wanted()) out.insert(one.at.position);
    return out;
}

/// The checkpoint to start from if a wanted one does not exist yet: the one with the newest
/// revision.
const checkpoint* newest_record(const std::vector<std::pair<std::string, checkpoint>>& others) {
    const auto at = std::max_element(others.begin(), others.end(),
                                     [](const auto& a, const auto& b) { return a.second.rev < b.second.rev; });
    return at == others.end() ? nullptr : &at->second;
}

/// All spans, which are removed from the checkpoints.
std::vector<span> take_spans(std::vector<std::pair<std::string, checkpoint>>& from) {
    std::vector<span> all;
    for (auto& [key, record] : from) std::ranges::move(std::exchange(record.spans, {}), std::back_inserter(all));
    return all;
}

/// The checkpoints on a slave, sorted by whether the configuration wants them.
struct inventory {
    inventory(const found_records& found, const record_set& wanted) {
        const std::set<std::string_view> wanted_keys = keys_of(wanted);
        for (const found_record& one : found.records) {
            const bool is_wanted = wanted_keys.contains(one.at.position);
            auto record = readable(one);
            if (!is_wanted) {
                unwanted.push_back(one.at);
                const bool of_this_mode = wanted.is_per_rule() && wanted.per_rule().contains(one.at.position);
                both_modes = both_modes || !of_this_mode;
            }
            if (!record) continue;
            last_seq = std::max(last_seq, record->seq);
            saw_other = saw_other || record->other;
            complete = complete && record->pass == sync_pass::none;
            auto& to = is_wanted ? own : others;
            to.emplace_back(one.at.position, *std::move(record));
        }
        both_modes = both_modes && !own.empty();
        std::ranges::sort(own, {}, [](const auto& one) -> const std::string& { return one.first; });
        old_spans = merge_spans(take_spans(others));
        newest = newest_record(others);
    }

    [[nodiscard]] const checkpoint* own_of(const std::string& key) const {
        const auto at =
            std::ranges::lower_bound(own, key, {}, [](const auto& one) -> const std::string& { return one.first; });
        return at == own.end() || at->first != key ? nullptr : &at->second;
    }

    std::vector<std::pair<std::string, checkpoint>> own;     ///< wanted and readable
    std::vector<std::pair<std::string, checkpoint>> others;  ///< not wanted and readable, without their spans
    std::vector<span> old_spans;                             ///< of all others, merged
    const checkpoint* newest = nullptr;                      ///< of the others
    std::vector<checkpoint_keys> unwanted;
    std::uint64_t last_seq = 0;
    bool complete = true;    ///< none of them is in a full sync, in which differences may still be counted
    bool saw_other = false;  ///< one of them says that the master had another history: that concerns them all
    /// Checkpoints of both modes exist, which only a migration leaves behind that was interrupted and did not fit in one Txn:
    /// none of them is trusted.
    bool both_modes = false;
};

/// Adds the parts of `spans` that lie in `within` and not in `taken`. Both are disjoint and in key order.
void add_spans(std::vector<span>& to, const std::vector<span>& spans, const key_range& within,
               const std::vector<span>& taken) {
    for (const span& each : parts_within(spans, within)) {
        std::vector<key_range> left{each.keys};
        for (const span& held : parts_within(taken, each.keys)) {
            if (left.empty()) break;
            const key_range last = std::move(left.back());  // what lies before was cut off by the one before
            left.pop_back();
            for (key_range& rest : keys::subtract(last, held.keys)) left.push_back(std::move(rest));
        }
        for (key_range& part : left) to.push_back({std::move(part), each.since});
    }
}

/// What a wanted checkpoint claims: its own spans, and what the others claimed of its keys.
std::vector<span> successor_spans(const wanted_record& wanted, const checkpoint* own, const inventory& have) {
    std::vector<span> old;
    for (const segment& part : wanted.keys.segments())
        std::ranges::move(parts_within(have.old_spans, part.target), std::back_inserter(old));
    std::vector<span> out;
    if (own != nullptr) std::ranges::copy(own->spans, std::back_inserter(have.both_modes ? old : out));
    const std::vector<span> kept = merge_spans(out);
    old = merge_spans(old);
    for (const segment& part : wanted.keys.segments()) add_spans(out, old, part.target, kept);
    std::sort(out.begin(), out.end(), [](const span& a, const span& b) { return a.keys.begin < b.keys.begin; });
    return out;
}

bool has_only_wanted(const found_records& found, const record_set& wanted) {
    const std::set<std::string_view> wanted_keys = keys_of(wanted);
    return std::ranges::all_of(found.records,
                               [&](const found_record& one) { return wanted_keys.contains(one.at.position); });
}

/// What proves the history for some keys must not free overwrites of others, which may be held.
void make_unproven(checkpoint& record) {
    record.rules.clear();
    record.event_revision = 0;
    record.event_digest.clear();
    record.anchors.clear();
}

std::optional<checkpoint> successor_record(const wanted_record& wanted, const inventory& have) {
    const checkpoint* const own = have.own_of(wanted.at.position);
    const checkpoint* const base = own != nullptr ? own : have.newest;
    if (base == nullptr) return std::nullopt;
    checkpoint out = *base;
    out.spans = successor_spans(wanted, own, have);
    if (own == nullptr && out.spans.empty())
        return std::nullopt;  // no checkpoint had these keys: their first sync is still to come
    // R of a checkpoint is true for the keys it was about. Under its digest of the rules it can
    // still prove the history for them, but the link compares all keys. Of several checkpoints each
    // has another R: none of them can be resumed as it is.
    const bool same_rules = base->rules == wanted.keys.digest();
    if (have.both_modes || (own == nullptr && same_rules && have.others.size() > 1)) out.rules.clear();
    out.seq = have.last_seq + 1;
    out.other = have.saw_other;
    if (own == nullptr && !have.complete) make_unproven(out);
    return out;
}

}  // namespace

migration plan_migration(const found_records& found, const record_set& wanted) {
    migration plan;
    if (has_only_wanted(found, wanted)) return plan;  // as usual
    const inventory have(found, wanted);
    for (const wanted_record& record : wanted.wanted()) {
        auto next = successor_record(record, have);
        if (next) plan.steps.push_back({record.at, *std::move(next)});
    }
    for (const checkpoint_keys& at : have.unwanted) {
        plan.steps.push_back({at, std::nullopt});
        plan.removed_keys += (plan.removed_keys.empty() ? "" : " ") + at.position;
    }
    for (const auto& [key, record] : have.others) {
        if (record.seq >= plan.activity.seq || plan.activity.writer.empty()) plan.activity.writer = record.writer;
    }
    for (const auto& [key, record] : have.others) plan.activity.seq += record.seq;
    return plan;
}

}  // namespace etcdsync::replication
