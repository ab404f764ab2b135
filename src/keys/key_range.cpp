// SPDX-License-Identifier: Apache-2.0
#include "keys/key_range.hpp"

#include <algorithm>

namespace etcdsync::keys {
namespace {

/// Compares ends of ranges: like keys, but the empty end is above all others.
bool end_before(const std::string& a, const std::string& b) {
    if (a.empty()) return false;
    return b.empty() || a < b;
}

bool has_prefix(const key_range& range, std::string_view prefix) { return prefix_range(prefix).contains(range); }

}  // namespace

bool key_range::contains(const key_range& inner) const {
    return inner.empty() || (inner.begin >= begin && !end_before(end, inner.end));
}

std::string prefix_end(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && end.back() == '\xff') end.pop_back();
    if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

key_range prefix_range(std::string_view prefix) { return {std::string(prefix), prefix_end(prefix)}; }

key_range single_key(std::string_view key) { return {std::string(key), std::string(key) + '\0'}; }

std::optional<key_range> intersect(const key_range& a, const key_range& b) {
    key_range both{std::max(a.begin, b.begin), end_before(a.end, b.end) ? a.end : b.end};
    if (both.empty()) return std::nullopt;
    return both;
}

key_range hull(const key_range& a, const key_range& b) {
    const bool open = a.end.empty() || b.end.empty();
    return {std::min(a.begin, b.begin), open ? std::string() : std::max(a.end, b.end)};
}

std::vector<key_range> subtract(const key_range& range, const key_range& hole) { return subtract_all(range, {hole}); }

std::vector<key_range> subtract_all(const key_range& range, std::vector<key_range> holes) {
    if (range.empty()) return {};
    std::ranges::sort(holes, {}, &key_range::begin);
    std::vector<key_range> rest;
    std::string from = range.begin;
    for (const key_range& hole : holes) {
        const auto cut = intersect(range, hole);
        if (!cut) continue;
        if (from < cut->begin) rest.push_back({from, cut->begin});
        if (cut->end.empty()) return rest;
        from = std::max(from, cut->end);
    }
    if (range.end.empty() || from < range.end) rest.push_back({std::move(from), range.end});
    return rest;
}

std::string common_prefix(const key_range& range) {
    std::string prefix = range.begin;
    while (!has_prefix(range, prefix)) prefix.pop_back();
    return prefix;
}

std::string map_key(std::string_view key, std::string_view strip, std::string_view dest) {
    std::string mapped;
    mapped.reserve(dest.size() + key.size() - strip.size());
    mapped.append(dest).append(key.substr(strip.size()));
    return mapped;
}

std::optional<key_range> map_range(const key_range& range, std::string_view strip, std::string_view dest) {
    if (!has_prefix(range, strip)) return std::nullopt;
    // An end that does not start with `strip` can only be the end of all keys with that prefix.
    const bool ends_inside = !range.end.empty() && std::string_view(range.end).starts_with(strip);
    return key_range{map_key(range.begin, strip, dest),
                     ends_inside ? map_key(range.end, strip, dest) : prefix_end(dest)};
}

mapping canonical_mapping(std::string_view strip, std::string_view dest) {
    while (!strip.empty() && !dest.empty() && strip.back() == dest.back()) {
        strip.remove_suffix(1);
        dest.remove_suffix(1);
    }
    return {std::string(strip), std::string(dest)};
}

}  // namespace etcdsync::keys
