// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/processes.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// What one run of a command said, and how it ended.
struct said {
    int code = 0;
    std::string text;

    [[nodiscard]] bool holds(std::string_view part) const { return text.find(part) != std::string::npos; }
};

inline said run(sync_daemon& as, const std::vector<std::string>& arguments) {
    const std::size_t before = as.output().size();
    said out;
    out.code = as.run(arguments, patience(std::chrono::seconds(60)));
    out.text = as.output().substr(before);
    return out;
}

}  // namespace etcdsync::test
