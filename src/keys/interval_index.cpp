// SPDX-License-Identifier: Apache-2.0
#include "keys/interval_index.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace etcdsync::keys {
namespace {

struct edge {
    std::string_view key;
    std::uint32_t number;
    int opened;  ///< intervals that begin here, less those that end here
};

std::vector<edge> edges_of(const std::vector<interval_index::interval>& all) {
    std::vector<edge> out;
    out.reserve(2 * all.size());
    for (const interval_index::interval& one : all) {
        if (one.keys.empty()) continue;
        out.push_back({one.keys.begin, one.number, 1});
        if (!one.keys.end.empty()) out.push_back({one.keys.end, one.number, -1});
    }
    std::ranges::sort(out, {}, &edge::key);
    return out;
}

/// How many open intervals each number has.
using open_intervals = std::map<std::uint32_t, int>;

void apply(const edge& what, open_intervals& open) {
    const auto place = open.try_emplace(what.number, 0).first;
    place->second += what.opened;
    if (place->second == 0) open.erase(place);
}

}  // namespace

interval_index::interval_index(const std::vector<interval>& all, const std::function<bool(std::uint32_t)>& is_last) {
    parts_.push_back({{}, 0});
    const std::vector<edge> edges = edges_of(all);
    open_intervals open;
    for (auto next = edges.begin(); next != edges.end();) {
        const std::string_view begin = next->key;
        for (; next != edges.end() && next->key == begin; ++next) apply(*next, open);
        const std::size_t first = numbers_.size();
        for (const auto& [number, count] : open) {
            numbers_.push_back(number);
            if (is_last(number)) break;
        }
        const auto before = std::span(numbers_).subspan(parts_.back().first_number, first - parts_.back().first_number);
        if (std::ranges::equal(before, std::span(numbers_).subspan(first))) {
            numbers_.resize(first);
        } else if (begin.empty()) {
            parts_.back().first_number = first;
        } else {
            parts_.push_back({std::string(begin), first});
        }
    }
    parts_.shrink_to_fit();
    numbers_.shrink_to_fit();
}

std::size_t interval_index::part_of(std::string_view key) const {
    const auto after = std::ranges::upper_bound(parts_, key, std::less<std::string_view>(), &part::begin);
    return static_cast<std::size_t>(std::distance(parts_.begin(), after)) - 1;
}

std::span<const std::uint32_t> interval_index::numbers_of(std::size_t index) const {
    const std::size_t first = parts_[index].first_number;
    const std::size_t end = index + 1 < parts_.size() ? parts_[index + 1].first_number : numbers_.size();
    return std::span(numbers_).subspan(first, end - first);
}

void interval_index::for_each_in(
    const key_range& range,
    const std::function<void(const key_range& part, std::span<const std::uint32_t> numbers)>& visit) const {
    if (range.empty()) return;
    for (std::size_t i = part_of(range.begin); i < parts_.size(); ++i) {
        const std::string end = i + 1 < parts_.size() ? parts_[i + 1].begin : std::string();
        const auto inside = intersect({parts_[i].begin, end}, range);
        if (!inside) return;
        visit(*inside, numbers_of(i));
    }
}

}  // namespace etcdsync::keys
