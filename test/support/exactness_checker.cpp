// SPDX-License-Identifier: Apache-2.0
#include "support/exactness_checker.hpp"

#include "base/escape.hpp"
#include "support/exact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace etcdsync::test {
namespace {

using changes = std::span<const change>;

std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31U);
}

std::uint64_t hash_of(std::string_view key, std::string_view value) {
    std::uint64_t h = 0xcbf29ce484222325ULL + key.size();
    for (const std::string_view part : {key, value}) {
        for (const char c : part) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    return mixed(h);
}

/// A set of keys and values, and the sum of their hashes.
class hashed_keys {
public:
    void put(const std::string& key, const std::string& value) {
        remove(key);
        keys_.emplace(key, value);
        hash_ += hash_of(key, value);
    }
    void remove(const std::string& key) {
        const auto at = keys_.find(key);
        if (at == keys_.end()) return;
        hash_ -= hash_of(at->first, at->second);
        keys_.erase(at);
    }
    [[nodiscard]] const std::string* find(const std::string& key) const {
        const auto at = keys_.find(key);
        return at == keys_.end() ? nullptr : &at->second;
    }
    [[nodiscard]] const key_map& all() const { return keys_; }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }

private:
    key_map keys_;
    std::uint64_t hash_ = 0;
};

/// The master's selected keys under their names on the slave, at a revision that moves forward.
class master_view {
public:
    master_view(changes history, const key_mapping& map) : rest_(history), map_(&map) {}

    void move_to(std::int64_t revision) {
        for (; !rest_.empty() && rest_.front().revision <= revision; rest_ = rest_.subspan(1)) {
            const change& c = rest_.front();
            const auto key = (*map_)(c.key);
            if (!key) continue;
            last_change_[*key] = c.revision;
            moved_.emplace(*key, &c);
            if (c.is_put) {
                keys_.put(*key, c.value);
            } else {
                keys_.remove(*key);
            }
        }
    }

    [[nodiscard]] const hashed_keys& keys() const { return keys_; }
    void forget_moves() { moved_.clear(); }
    [[nodiscard]] const std::unordered_multimap<std::string, const change*>& moves() const { return moved_; }
    /// Whether this very change was moved over since.
    [[nodiscard]] bool moved_over(const change& of_slave) const {
        const auto [first, last] = moved_.equal_range(of_slave.key);
        return std::any_of(first, last, [&](const auto& at) {
            const change& c = *at.second;
            return c.is_put == of_slave.is_put && (!c.is_put || c.value == of_slave.value);
        });
    }
    [[nodiscard]] bool changed_after(const std::string& key, std::int64_t revision) const {
        const auto at = last_change_.find(key);
        return at != last_change_.end() && at->second > revision;
    }

private:
    changes rest_;
    const key_mapping* map_;
    hashed_keys keys_;
    std::unordered_map<std::string, std::int64_t> last_change_;
    std::unordered_multimap<std::string, const change*> moved_;  ///< over which changes
};

/// The checkpoint, read by hand: this is a check of who writes it.
struct record {
    std::int64_t revision = -1;
    std::string state;
    std::string pass;
    std::string frontier;
    std::string writer;
};

std::string member(const std::string& json, std::string_view name) {
    auto found = json_member(json, name);
    if (!found) throw std::runtime_error(fmt::format("the checkpoint has no \"{}\"", name));
    return std::move(*found);
}

record parse(const std::string& json) {
    record out;
    out.revision = std::atoll(member(json, "revision").c_str());
    out.state = member(json, "state");
    out.pass = member(json, "pass");
    out.writer = member(json, "writer");
    if (!base::base64_decode(member(json, "frontier_b64"), out.frontier))
        throw std::runtime_error("the frontier is not base64");
    return out;
}

class replay {
public:
    replay(changes master, const exactness_rules& rules)
        : master_(master, rules.map), checkpoint_key_(fmt::format("{}{}", checkpoint_prefix, rules.instance)),
          from_(rules.from) {}

    /// One revision of the slave. Throws what is wrong with it.
    void take(changes events);

    exactness_report report;

private:
    void find_checkpoint(changes events);
    void check_order(bool has_data) const;
    void check_write(const change& event) const;
    void check_parts() const;
    void apply(const change& event);
    void set_foreign_keys_aside();
    void check_state(changes events) const;
    void check_below_frontier(changes events) const;
    void check_key(const std::string& key) const;
    [[nodiscard]] bool following() const { return now_.state == "follow"; }
    [[nodiscard]] bool split() const { return now_.state == "split"; }
    [[nodiscard]] bool is_checkpoint(const change& event) const { return event.key == checkpoint_key_; }

    master_view master_;
    std::string checkpoint_key_;
    std::int64_t from_;
    hashed_keys slave_;
    key_map
        stood_before_;  ///< keys of the slave from before the first checkpoint that nobody has had a reason to touch yet
    bool begun_ = false;  ///< there was a checkpoint
    record before_;
    record now_;
    std::vector<change> parts_;  ///< written in state split, of the revision behind R that is not complete yet
    std::set<std::string> writers_;
};

void replay::find_checkpoint(changes events) {
    const auto count =
        std::count_if(events.begin(), events.end(), [this](const change& e) { return is_checkpoint(e); });
    if (count != 1) throw std::runtime_error(fmt::format("{} checkpoint events in one revision", count));
    const auto at = std::find_if(events.begin(), events.end(), [this](const change& e) { return is_checkpoint(e); });
    if (!at->is_put) throw std::runtime_error("the checkpoint was deleted");
    before_ = std::exchange(now_, parse(at->value));
    writers_.insert(now_.writer);
}

void replay::check_order(bool has_data) const {
    if (now_.revision < before_.revision) {
        throw std::runtime_error(fmt::format("R went back from {} to {}", before_.revision, now_.revision));
    }
    const bool still_following = following() && before_.state == "follow";
    if (split() && before_.state == "split" && now_.revision != before_.revision) {
        throw std::runtime_error(
            fmt::format("R went from {} to {} while a revision is applied in parts", before_.revision, now_.revision));
    }
    if (still_following && has_data && now_.revision == before_.revision) {
        throw std::runtime_error(fmt::format("R = {} was applied a second time", now_.revision));
    }
}

void replay::check_write(const change& event) const {
    const bool changed = master_.changed_after(event.key, before_.revision);
    const std::string* const stood = slave_.find(event.key);
    const auto wrong = [&](std::string_view what) {
        return std::runtime_error(
            fmt::format("{} {}: {}", event.is_put ? "put" : "delete", base::printable(event.key), what));
    };
    if (changed) return;
    if (!event.is_put && stood_before_.contains(event.key)) throw wrong("it stood there before the first sync");
    if (event.is_put && stood != nullptr && *stood == event.value)
        throw wrong("it was equal already, and the master has not written it since");
    // The last writes of a full sync come with the first checkpoint in state follow.
    const bool comparing = before_.state == "full_sync";
    if (!comparing)
        throw wrong(fmt::format("the master did not change it in ({}, {}]", before_.revision, now_.revision));
    const bool pruning = before_.pass == "prune";
    if (event.is_put == pruning) throw wrong(fmt::format("not in pass {}", before_.pass));
    if (event.key < before_.frontier) throw wrong("it lies below the frontier and the master did not change it");
}

/// Parts of a revision bigger than a Txn: the revision behind them says whether each was one of its changes. Written again after
/// a restart they are the same.
void replay::check_parts() const {
    for (const change& part : parts_) {
        if (master_.moved_over(part)) continue;
        throw std::runtime_error(fmt::format("{} {} of a split revision is no change of the master up to R = {}",
                                             part.is_put ? "put" : "delete", base::printable(part.key), now_.revision));
    }
}

void replay::apply(const change& event) {
    if (event.is_put) {
        slave_.put(event.key, event.value);
    } else {
        slave_.remove(event.key);
    }
    stood_before_.erase(event.key);
}

/// What stood there before and is on the master, too, is a key like any other from now on. The rest is kept, and left out of
/// the comparison.
void replay::set_foreign_keys_aside() {
    for (auto at = stood_before_.begin(); at != stood_before_.end();) {
        const bool foreign = master_.keys().find(at->first) == nullptr;
        if (foreign) slave_.remove(at->first);
        at = foreign ? std::next(at) : stood_before_.erase(at);
    }
}

/// A key of the master that a full sync is past, and during the pass that prunes one of the slave alone, too.
void replay::check_key(const std::string& key) const {
    const bool pruning = now_.pass == "prune";
    const bool past = key < now_.frontier;
    if (!past && !pruning) return;
    const std::string* const expected = master_.keys().find(key);
    const std::string* const found = slave_.find(key);
    if (expected != nullptr && (found == nullptr || *found != *expected)) {
        throw std::runtime_error(fmt::format("full sync: {} below the frontier {} is {}", base::printable(key),
                                             base::printable(now_.frontier),
                                             found == nullptr ? "missing" : "not the master's value"));
    }
    if (pruning && past && expected == nullptr && found != nullptr)
        throw std::runtime_error(fmt::format("prune: {} is left below the frontier", base::printable(key)));
}

void replay::check_below_frontier(changes events) const {
    // What was right in the revision before stays right, where neither side nor the frontier moved.
    const bool same_pass = before_.state == now_.state && before_.pass == now_.pass;
    const bool whole = !same_pass || now_.frontier < before_.frontier;
    for (const auto& [key, at] : master_.moves()) check_key(key);
    for (const change& event : events) check_key(event.key);
    for (const hashed_keys* side : {&master_.keys(), &slave_}) {
        const key_map& keys = side->all();
        const bool to_the_end = whole && now_.pass == "prune";
        const auto end = to_the_end ? keys.end() : keys.lower_bound(now_.frontier);
        for (auto at = whole ? keys.begin() : keys.lower_bound(before_.frontier); at != end; ++at) check_key(at->first);
    }
}

void replay::check_state(changes events) const {
    if (split()) return;  // neither at R nor behind it; the state that comes next is checked
    if (!following()) {
        check_below_frontier(events);
        return;
    }
    if (slave_.hash() == master_.keys().hash()) return;
    throw std::runtime_error(fmt::format("not the master's state at R = {} (expected: the master):\n{}", now_.revision,
                                         difference(master_.keys().all(), slave_.all())));
}

void replay::take(changes events) {
    const bool ours = std::any_of(events.begin(), events.end(), [this](const change& e) { return is_checkpoint(e); });
    if (!begun_ && (!ours || events.front().revision < from_)) {
        for (const change& event : events) {
            if (is_checkpoint(event)) continue;
            if (event.is_put) {
                stood_before_[event.key] = event.value;
            } else {
                stood_before_.erase(event.key);
            }
        }
        return;
    }
    find_checkpoint(events);
    const bool has_data = events.size() > 1;
    check_order(has_data);
    if (!begun_) {
        begun_ = true;
        for (const auto& [key, value] : stood_before_) slave_.put(key, value);
    }
    if (parts_.empty()) master_.forget_moves();
    master_.move_to(now_.revision);
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
        if (!following() && now_.pass == "repair" && event.key >= now_.frontier) {
            throw std::runtime_error(fmt::format("{} was written above the frontier {}", base::printable(event.key),
                                                 base::printable(now_.frontier)));
        }
    }
    for (const change& event : events) {
        if (!is_checkpoint(event)) apply(event);
    }
    if (following() || now_.pass == "prune") set_foreign_keys_aside();
    check_state(events);
    ++report.revisions;
    if (has_data) ++report.data_revisions;
    if (split() && has_data) ++report.split_revisions;
    if (following()) ++report.follow_revisions;
    report.writers = writers_.size();
    report.applied = now_.revision;
    report.state = now_.state;
}

}  // namespace

exactness_report check_exactness(const std::vector<change>& master, const std::vector<change>& slave,
                                 const exactness_rules& rules) {
    const std::string checkpoint = fmt::format("{}{}", checkpoint_prefix, rules.instance);
    std::vector<change> scoped;
    for (const change& c : slave) {
        const bool others_record = c.key.starts_with(checkpoint_prefix) && c.key != checkpoint;
        const bool inside = c.key == checkpoint || !rules.scope || rules.scope(c.key);
        if (inside && !(rules.scope && others_record)) scoped.push_back(c);
    }
    replay history(master, rules);
    for (changes rest = scoped; !rest.empty();) {
        const std::int64_t revision = rest.front().revision;
        const auto next =
            std::find_if(rest.begin(), rest.end(), [revision](const change& c) { return c.revision != revision; });
        const auto length = static_cast<std::size_t>(next - rest.begin());
        try {
            history.take(rest.first(length));
        } catch (const std::runtime_error& wrong) {
            history.report.fault = fmt::format("slave revision {}: {}", revision, wrong.what());
            break;
        }
        rest = rest.subspan(length);
    }
    return history.report;
}

exactness_report check_exactness(etcd_client& master, etcd_client& slave, const exactness_rules& rules) {
    const std::vector<change> at_slave = slave.history(1);  // first: the master is never behind it
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
