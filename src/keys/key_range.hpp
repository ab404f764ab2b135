// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Intervals of keys and their operations: what a rule selects, where it maps to on a slave, what
/// is left after holes are removed. Keys are bytes and compare as unsigned bytes, as in etcd.
namespace etcdsync::keys {

/// The keys k with begin <= k < end. An empty `end` means "to the last key", so `key_range{}`
/// contains every key.
struct key_range {
    std::string begin;
    std::string end;

    /// True if no key can be in the range.
    [[nodiscard]] bool empty() const { return !end.empty() && end <= begin; }
    [[nodiscard]] bool contains(std::string_view key) const { return key >= begin && (end.empty() || key < end); }
    /// True if every key of `inner` is in this range.
    [[nodiscard]] bool contains(const key_range& inner) const;

    friend bool operator==(const key_range&, const key_range&) = default;
};

/// The smallest key above all keys that start with `prefix`; empty if there is none ("" and
/// prefixes of 0xff only). etcd's range_end uses the same convention, but writes "no end" as "\0".
[[nodiscard]] std::string prefix_end(std::string_view prefix);

/// All keys that start with `prefix`; the empty prefix gives every key.
[[nodiscard]] key_range prefix_range(std::string_view prefix);

/// Exactly one key: [key, key + "\0").
[[nodiscard]] key_range single_key(std::string_view key);

/// The keys in both ranges; nothing if they do not overlap.
[[nodiscard]] std::optional<key_range> intersect(const key_range& a, const key_range& b);

/// The smallest interval that contains both.
[[nodiscard]] key_range hull(const key_range& a, const key_range& b);

/// `range` without `hole`: zero, one or two non-empty intervals, in key order.
[[nodiscard]] std::vector<key_range> subtract(const key_range& range, const key_range& hole);

/// `range` without all `holes`, which may overlap: non-empty intervals, in key order.
[[nodiscard]] std::vector<key_range> subtract_all(const key_range& range, std::vector<key_range> holes);

/// The longest common prefix of all keys of `range`, which must not be empty.
[[nodiscard]] std::string common_prefix(const key_range& range);

/// Replaces the prefix `strip` of `key` by `dest`. `key` must start with `strip`. With strip and
/// dest swapped it maps back.
[[nodiscard]] std::string map_key(std::string_view key, std::string_view strip, std::string_view dest);

/// The interval that `range`, which must not be empty, is mapped to: a key is in it if and only if
/// it is the image of a key of `range`. Nothing if `strip` is not a prefix of every key of `range`.
[[nodiscard]] std::optional<key_range> map_range(const key_range& range, std::string_view strip, std::string_view dest);

/// A mapping "replace the prefix strip by dest" in its shortest form. Two mappings agree on every
/// key they share if and only if their canonical forms are equal ("/a/" -> "/b/" is "/a" -> "/b").
struct mapping {
    std::string strip;
    std::string dest;
    friend bool operator==(const mapping&, const mapping&) = default;
};

/// Removes the common suffix of `strip` and `dest`.
[[nodiscard]] mapping canonical_mapping(std::string_view strip, std::string_view dest);

}  // namespace etcdsync::keys
