// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace etcdsync::observe {

enum class progress_mode { automatic, bar, plain, none };

/// The progress of long work on one slave, at one moment.
struct progress {
    std::string name;         ///< name of the slave
    std::string what;         ///< the work: "full sync"
    std::uint64_t done = 0;   ///< keys
    std::uint64_t total = 0;  ///< keys; 0: not yet known
    std::uint64_t bytes = 0;  ///< bytes written
    double rate = 0;          ///< keys per second; 0: not yet known
};

/// "edge-1  [##########>---------------] 40%  16409/41022 keys  3.1MiB  2.2k/s  ETA 11s". Shorter
/// than `width` columns, because a line that wraps cannot be redrawn. Names are padded to
/// `name_width`.
[[nodiscard]] std::string bar_line(const progress& at, std::size_t name_width, std::size_t width);

/// edge-1 full sync 40% 16409/41022 keys 3.1MiB eta=11s
[[nodiscard]] std::string plain_line(const progress& at);

/// The rate over the last ten seconds. An average since the start would hide that the work slows
/// down.
class rate_meter {
public:
    using time_point = std::chrono::steady_clock::time_point;

    /// Keys per second up to `now`; 0 until enough is known. Fewer keys than before restart the
    /// measurement.
    double update(time_point now, std::uint64_t done);

private:
    std::deque<std::pair<time_point, std::uint64_t>> samples_;
};

}  // namespace etcdsync::observe
