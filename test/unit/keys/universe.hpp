// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::keys {

/// All strings over `alphabet` of at most `most` bytes, starting with the empty one.
inline std::vector<std::string> all_strings(std::string_view alphabet, std::size_t most) {
    std::vector<std::string> all{""};
    for (std::size_t from = 0, length = 1; length <= most; ++length) {
        const std::size_t to = all.size();
        for (; from < to; ++from) {
            for (const char c : alphabet) all.push_back(all[from] + c);
        }
    }
    return all;
}

/// All strings of the lowest, a middle and the highest byte, which are the corner cases of intervals.
inline std::vector<std::string> corner_strings(std::size_t most) {
    return all_strings(std::string_view("\0a\xff", 3), most);
}

}  // namespace etcdsync::keys
