// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keys/key_range.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::keys {

/// Finds the intervals that contain a key, by binary search. Immutable.
class interval_index {
public:
    /// Several intervals may have the same number.
    struct interval {
        key_range keys;
        std::uint32_t number;
    };

    /// Where an interval with `is_last(number)` contains a key, intervals with higher numbers are not found.
    explicit interval_index(
        const std::vector<interval>& all,
        const std::function<bool(std::uint32_t)>& is_last = [](auto) { return false; });

    /// The numbers of the intervals that contain `key`, ascending.
    [[nodiscard]] std::span<const std::uint32_t> at(std::string_view key) const { return numbers_of(part_of(key)); }

    /// Calls `visit` for the parts of `range`, in order. All keys of one part are in the same intervals.
    void for_each_in(
        const key_range& range,
        const std::function<void(const key_range& part, std::span<const std::uint32_t> numbers)>& visit) const;

private:
    /// From `begin` to the begin of the next part.
    struct part {
        std::string begin;
        std::size_t first_number;  ///< in numbers_
    };

    [[nodiscard]] std::size_t part_of(std::string_view key) const;
    [[nodiscard]] std::span<const std::uint32_t> numbers_of(std::size_t part) const;

    std::vector<part> parts_;  ///< the first one begins with the empty key
    std::vector<std::uint32_t> numbers_;
};

}  // namespace etcdsync::keys
