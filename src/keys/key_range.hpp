// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The algebra of key intervals: what a rule selects, where it lands on a slave, what is left after its holes.
/// Keys are bytes and compare as unsigned bytes, as in etcd.
namespace etcdsync::keys {

/// The keys k with begin <= k < end. An empty `end` means "to the last key", so `key_range{}` holds every key.
struct key_range {
    std::string begin;
    std::string end;

    /// True where no key can lie in it.
    [[nodiscard]] bool empty() const { return !end.empty() && end <= begin; }
    [[nodiscard]] bool contains(std::string_view key) const { return key >= begin && (end.empty() || key < end); }
    /// True where every key of `inner` lies in it.
    [[nodiscard]] bool contains(const key_range& inner) const;

    friend bool operator==(const key_range&, const key_range&) = default;
};

/// The least key above every key that starts with `prefix`; empty where there is none ("" and prefixes of 0xff only).
/// The same convention as etcd's range_end, but for "no end", which etcd writes as "\0".
[[nodiscard]] std::string prefix_end(std::string_view prefix);

/// All keys that start with `prefix`; the empty prefix gives every key.
[[nodiscard]] key_range prefix_range(std::string_view prefix);

/// Exactly one key: [key, key + "\0").
[[nodiscard]] key_range single_key(std::string_view key);

/// The keys in both; nothing where they do not meet.
[[nodiscard]] std::optional<key_range> intersect(const key_range& a, const key_range& b);

/// The least interval that holds both.
[[nodiscard]] key_range hull(const key_range& a, const key_range& b);

/// `range` without `hole`: no, one or two non-empty intervals, in key order.
[[nodiscard]] std::vector<key_range> subtract(const key_range& range, const key_range& hole);

/// The longest string every key of `range` (which is not empty) starts with.
[[nodiscard]] std::string common_prefix(const key_range& range);

/// dest + key without strip. `key` must start with `strip`. With strip and dest exchanged it maps back.
[[nodiscard]] std::string map_key(std::string_view key, std::string_view strip, std::string_view dest);

/// The interval that `range` (which is not empty) is mapped onto: a key lies in it exactly where it is the image of a key
/// of `range`. Nothing where `strip` is not a prefix of every key of `range`.
[[nodiscard]] std::optional<key_range> map_range(const key_range& range, std::string_view strip, std::string_view dest);

/// A mapping "replace the prefix strip by dest" in its shortest writing: two mappings send every key they share to the
/// same place exactly where their canonical writings are equal ("/a/" -> "/b/" is "/a" -> "/b").
struct mapping {
    std::string strip;
    std::string dest;
    friend bool operator==(const mapping&, const mapping&) = default;
};

/// Drops what `strip` and `dest` end in alike.
[[nodiscard]] mapping canonical_mapping(std::string_view strip, std::string_view dest);

}  // namespace etcdsync::keys
