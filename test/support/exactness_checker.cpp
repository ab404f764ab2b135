// SPDX-License-Identifier: Apache-2.0
#include "support/exactness_checker.hpp"

#include "base/escape.hpp"
#include "support/exact.hpp"
#include "support/exactness_state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace etcdsync::test {
namespace {

class slave_replay {
public:
    slave_replay(changes master, const exactness_rules& rules)
        : master_(master, rules.map), checkpoint_key_(fmt::format("{}{}", checkpoint_prefix, rules.instance)),
          from_(rules.from) {}

    /// Checks one revision of the slave. Throws a description of what is wrong.
    void check_revision(changes events);

    exactness_report report;

private:
    void find_checkpoint(changes events);
    void check_order(bool has_data) const;
    void check_write(const change& event) const;
    void check_parts() const;
    void apply(const change& event);
    void exclude_foreign_keys();
    void check_state(changes events) const;
    void check_below_frontier(changes events) const;
    void check_key(const std::string& key) const;
    [[nodiscard]] bool following() const { return current_.state == "follow"; }
    [[nodiscard]] bool split() const { return current_.state == "split"; }
    [[nodiscard]] bool is_checkpoint(const change& event) const { return event.key == checkpoint_key_; }

    master_view master_;
    std::string checkpoint_key_;
    std::int64_t from_;
    hashed_keys slave_;
    key_map foreign_keys_;  ///< keys from before the first checkpoint that had no reason to change yet
    bool started_ = false;  ///< a checkpoint was seen
    checkpoint_record previous_;
    checkpoint_record current_;
    std::vector<change> parts_;  ///< written in state split: parts of the next revision, which is not complete
    std::set<std::string> writers_;
};

void slave_replay::find_checkpoint(changes events) {
    const auto count =
        std::count_if(events.begin(), events.end(), [this](const change& e) { return is_checkpoint(e); });
    if (count != 1) throw std::runtime_error(fmt::format("{} checkpoint events in one revision", count));
    const auto at = std::find_if(events.begin(), events.end(), [this](const change& e) { return is_checkpoint(e); });
    if (!at->is_put) throw std::runtime_error("the checkpoint was deleted");
    previous_ = std::exchange(current_, parse_checkpoint(at->value));
    writers_.insert(current_.writer);
}

void slave_replay::check_order(bool has_data) const {
    if (current_.revision < previous_.revision) {
        throw std::runtime_error(fmt::format("R decreased from {} to {}", previous_.revision, current_.revision));
    }
    const bool still_following = following() && previous_.state == "follow";
    if (split() && previous_.state == "split" && current_.revision != previous_.revision) {
        throw std::runtime_error(fmt::format("R changed from {} to {} while a revision is applied in parts",
                                             previous_.revision, current_.revision));
    }
    if (still_following && has_data && current_.revision == previous_.revision) {
        throw std::runtime_error(fmt::format("R = {} was applied a second time", current_.revision));
    }
}

void slave_replay::check_write(const change& event) const {
    const bool changed = master_.changed_after(event.key, previous_.revision);
    const std::string* const existing = slave_.find(event.key);
    const auto wrong = [&](std::string_view what) {
        return std::runtime_error(
            fmt::format("{} {}: {}", event.is_put ? "put" : "delete", base::printable(event.key), what));
    };
    if (changed) return;
    if (!event.is_put && foreign_keys_.contains(event.key)) throw wrong("it is a foreign key");
    if (event.is_put && existing != nullptr && *existing == event.value)
        throw wrong("it was equal already, and the master has not written it since");
    // The last writes of a full sync are in the same revision as the first checkpoint in state
    // follow.
    const bool comparing = previous_.state == "full_sync";
    if (!comparing)
        throw wrong(fmt::format("the master did not change it in ({}, {}]", previous_.revision, current_.revision));
    const bool pruning = previous_.pass == "prune";
    if (event.is_put == pruning) throw wrong(fmt::format("not in pass {}", previous_.pass));
    if (event.key < previous_.frontier) throw wrong("it is below the frontier, and the master did not change it");
}

/// Checks the parts of a revision that is larger than a Txn, when the revision is complete: each
/// must be one of its changes. After a restart the same parts may be written again.
void slave_replay::check_parts() const {
    for (const change& part : parts_) {
        if (master_.applied_change(part)) continue;
        throw std::runtime_error(fmt::format("{} {} of a split revision is not a change of the master up to R = {}",
                                             part.is_put ? "put" : "delete", base::printable(part.key),
                                             current_.revision));
    }
}

void slave_replay::apply(const change& event) {
    if (event.is_put) {
        slave_.put(event.key, event.value);
    } else {
        slave_.remove(event.key);
    }
    foreign_keys_.erase(event.key);
}

/// Excludes foreign keys that the master does not have from the comparison. Those that the master
/// has, too, are ordinary keys from now on.
void slave_replay::exclude_foreign_keys() {
    for (auto at = foreign_keys_.begin(); at != foreign_keys_.end();) {
        const bool foreign = master_.keys().find(at->first) == nullptr;
        if (foreign) slave_.remove(at->first);
        at = foreign ? std::next(at) : foreign_keys_.erase(at);
    }
}

/// Checks a key below the frontier of a full sync. In the prune pass, all keys of the master are
/// checked.
void slave_replay::check_key(const std::string& key) const {
    const bool pruning = current_.pass == "prune";
    const bool past = key < current_.frontier;
    if (!past && !pruning) return;
    const std::string* const expected = master_.keys().find(key);
    const std::string* const found = slave_.find(key);
    if (expected != nullptr && (found == nullptr || *found != *expected)) {
        throw std::runtime_error(fmt::format("full sync: {} below the frontier {} is {}", base::printable(key),
                                             base::printable(current_.frontier),
                                             found == nullptr ? "missing" : "not the master's value"));
    }
    if (pruning && past && expected == nullptr && found != nullptr)
        throw std::runtime_error(fmt::format("prune: {} remains below the frontier", base::printable(key)));
}

void slave_replay::check_below_frontier(changes events) const {
    // Only check what may have changed since the previous revision, unless the pass changed.
    const bool same_pass = previous_.state == current_.state && previous_.pass == current_.pass;
    const bool check_all = !same_pass || current_.frontier < previous_.frontier;
    for (const auto& [key, at] : master_.moved_changes()) check_key(key);
    for (const change& event : events) check_key(event.key);
    for (const hashed_keys* side : {&master_.keys(), &slave_}) {
        const key_map& keys = side->all();
        const bool to_the_end = check_all && current_.pass == "prune";
        const auto end = to_the_end ? keys.end() : keys.lower_bound(current_.frontier);
        for (auto at = check_all ? keys.begin() : keys.lower_bound(previous_.frontier); at != end; ++at)
            check_key(at->first);
    }
}

void slave_replay::check_state(changes events) const {
    if (split()) return;  // between two revisions of the master; the next state is checked
    if (!following()) {
        check_below_frontier(events);
        return;
    }
    if (slave_.hash() == master_.keys().hash()) return;
    throw std::runtime_error(fmt::format("not the master's state at R = {}:\n{}", current_.revision,
                                         difference(master_.keys().all(), slave_.all())));
}

void slave_replay::check_revision(changes events) {
    const bool ours = std::any_of(events.begin(), events.end(), [this](const change& e) { return is_checkpoint(e); });
    if (!started_ && (!ours || events.front().revision < from_)) {
        for (const change& event : events) {
            if (is_checkpoint(event)) continue;
            if (event.is_put) {
                foreign_keys_[event.key] = event.value;
            } else {
                foreign_keys_.erase(event.key);
            }
        }
        return;
    }
    find_checkpoint(events);
    const bool has_data = events.size() > 1;
    check_order(has_data);
    if (!started_) {
        started_ = true;
        for (const auto& [key, value] : foreign_keys_) slave_.put(key, value);
    }
    if (parts_.empty()) master_.forget_moved_changes();
    master_.move_to(current_.revision);
    if (following()) {
        check_parts();
        parts_.clear();
    }
    for (const change& event : events) {
        if (is_checkpoint(event)) continue;
        if (split()) {
            parts_.push_back(event);
            continue;
        }
        check_write(event);
        if (!following() && current_.pass == "repair" && event.key >= current_.frontier) {
            throw std::runtime_error(fmt::format("{} was written above the frontier {}", base::printable(event.key),
                                                 base::printable(current_.frontier)));
        }
    }
    for (const change& event : events) {
        if (!is_checkpoint(event)) apply(event);
    }
    if (following() || current_.pass == "prune") exclude_foreign_keys();
    check_state(events);
    ++report.revisions;
    if (has_data) ++report.data_revisions;
    if (split() && has_data) ++report.split_revisions;
    if (following()) ++report.follow_revisions;
    report.writers = writers_.size();
    report.applied = current_.revision;
    report.state = current_.state;
}

/// The key of the manifest that belongs to a position.
std::string manifest_of(const std::string& position) {
    const std::size_t rule = position.find('/', checkpoint_prefix.size());
    if (rule == std::string::npos) return position + ":manifest";
    return position.substr(0, rule) + ":manifest" + position.substr(rule);
}

}  // namespace

exactness_report check_exactness(const std::vector<change>& master, const std::vector<change>& slave,
                                 const exactness_rules& rules) {
    const std::string checkpoint = fmt::format("{}{}", checkpoint_prefix, rules.instance);
    const std::string manifest = manifest_of(checkpoint);
    std::vector<change> scoped;
    for (const change& c : slave) {
        if (c.key == manifest) {
            // It describes the position that is written with it.
            const auto is_position = [&](const change& e) { return e.revision == c.revision && e.key == checkpoint; };
            if (!std::ranges::any_of(slave, is_position)) return {.fault = "a manifest was written without a position"};
            continue;
        }
        if (c.key == checkpoint + ":leader") continue;  // a sign of life, in revisions of its own
        const bool other_checkpoint = c.key.starts_with(checkpoint_prefix) && c.key != checkpoint;
        const bool inside = c.key == checkpoint || !rules.scope || rules.scope(c.key);
        if (inside && !(rules.scope && other_checkpoint)) scoped.push_back(c);
    }
    slave_replay history(master, rules);
    for (changes rest = scoped; !rest.empty();) {
        const std::int64_t revision = rest.front().revision;
        const auto next =
            std::find_if(rest.begin(), rest.end(), [revision](const change& c) { return c.revision != revision; });
        const auto length = static_cast<std::size_t>(next - rest.begin());
        try {
            history.check_revision(rest.first(length));
        } catch (const std::runtime_error& wrong) {
            history.report.fault = fmt::format("slave revision {}: {}", revision, wrong.what());
            break;
        }
        rest = rest.subspan(length);
    }
    return history.report;
}

exactness_report check_exactness(etcd_client& master, etcd_client& slave, const exactness_rules& rules) {
    const std::vector<change> at_slave = slave.history(1);  // read first, so that the master is not behind it
    return check_exactness(master.history(1), at_slave, rules);
}

key_mapping same_keys(std::vector<std::string> prefixes) {
    return [prefixes = std::move(prefixes)](std::string_view key) -> std::optional<std::string> {
        const bool taken =
            std::any_of(prefixes.begin(), prefixes.end(), [key](const std::string& p) { return key.starts_with(p); });
        if (!taken) return std::nullopt;
        return std::string(key);
    };
}

}  // namespace etcdsync::test
