// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/exactness_checker.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

/// The two sides that the exactness checker compares.
namespace etcdsync::test {

using changes = std::span<const change>;

/// Keys and values with the sum of their hashes.
class hashed_keys {
public:
    void put(const std::string& key, const std::string& value);
    void remove(const std::string& key);
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

/// The master's selected keys, with their names on the slave, at a revision that only moves
/// forward.
class master_view {
public:
    master_view(changes history, const key_mapping& map) : rest_(history), map_(&map) {}

    void move_to(std::int64_t revision);

    [[nodiscard]] const hashed_keys& keys() const { return keys_; }
    void forget_moved_changes() { moved_.clear(); }
    [[nodiscard]] const std::unordered_multimap<std::string, const change*>& moved_changes() const { return moved_; }
    /// True if the last move_to() passed this change.
    [[nodiscard]] bool applied_change(const change& of_slave) const;
    [[nodiscard]] bool changed_after(const std::string& key, std::int64_t revision) const {
        const auto at = last_change_.find(key);
        return at != last_change_.end() && at->second > revision;
    }

private:
    changes rest_;
    const key_mapping* map_;
    hashed_keys keys_;
    std::unordered_map<std::string, std::int64_t> last_change_;
    std::unordered_multimap<std::string, const change*> moved_;  ///< changes that move_to() passed
};

/// The checkpoint, parsed independently of the code under test.
struct checkpoint_record {
    std::int64_t revision = -1;
    std::string state;
    std::string pass;
    std::string frontier;
    std::string writer;
};

/// Parses a checkpoint. Throws std::runtime_error if it is malformed.
checkpoint_record parse_checkpoint(const std::string& json);

}  // namespace etcdsync::test
