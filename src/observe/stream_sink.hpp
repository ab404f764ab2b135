// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/console.hpp"
#include "observe/log_line.hpp"
#include "observe/repeat_counter.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace etcdsync::observe {

/// Writes log lines to a console, in one format. A line that repeats within ten seconds is counted
/// instead; the count is written before the next other line.
class stream_sink final : public log_sink {
public:
    using wall_clock = std::function<std::chrono::system_clock::time_point()>;

    stream_sink(console& out, line_style style, wall_clock now);
    ~stream_sink() override { flush(); }

    void write(log_level level, std::string_view message, std::span<const log_field> fields) override;

    /// Writes the pending count. Call it before the process ends.
    void flush();

private:
    void write_line(log_level level, std::string_view message, std::span<const log_field> fields);
    void write_repeats(const repeat_counter::verdict& seen);

    console* out_;
    line_style style_;
    wall_clock now_;
    repeat_counter repeats_;
    std::uint64_t dropped_ = 0;  ///< lines since the last one that was written whole
};

}  // namespace etcdsync::observe
