// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/console.hpp"
#include "observe/log_line.hpp"
#include "observe/repeat_counter.hpp"

#include <chrono>
#include <cstdint>
#include <functional>

namespace etcdsync::observe {

/// Log lines to a console, in one format. A line that comes again within ten seconds is counted, and how often is told
/// when another one comes.
class stream_sink final : public log_sink {
public:
    using wall_clock = std::function<std::chrono::system_clock::time_point()>;

    stream_sink(console& out, line_style style, wall_clock now);
    ~stream_sink() override { flush(); }

    void write(log_level level, std::string_view message, std::span<const log_field> fields) override;

    /// Tells what was counted: before the process ends.
    void flush();

private:
    void tell(log_level level, std::string_view message, std::span<const log_field> fields);
    void tell_repeats(const repeat_counter::verdict& seen);

    console* out_;
    line_style style_;
    wall_clock now_;
    repeat_counter repeats_;
    std::uint64_t lost_ = 0;
};

}  // namespace etcdsync::observe
