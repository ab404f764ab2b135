// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log.hpp"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::observe {

/// Counts repeats of a line instead of showing them, so that a repeating fault does not fill a
/// disk.
class repeat_counter {
public:
    using time_point = std::chrono::system_clock::time_point;

    /// The same line is shown at most once per `window`, unless another line came between.
    explicit repeat_counter(std::chrono::milliseconds window) : window_(window) {}

    struct verdict {
        bool show = true;
        std::uint64_t repeats = 0;             ///< of the line shown before: to be written first
        log_level repeated = log_level::info;  ///< level of that line
    };
    verdict take(time_point now, log_level level, std::string_view message, std::span<const log_field> fields);

    /// The repeats that were counted and not yet returned. Resets the count.
    verdict flush();

private:
    std::chrono::milliseconds window_;
    std::string last_;
    log_level last_level_ = log_level::info;
    time_point shown_;
    std::uint64_t repeats_ = 0;
};

}  // namespace etcdsync::observe
