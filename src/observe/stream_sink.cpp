// SPDX-License-Identifier: Apache-2.0
#include "observe/stream_sink.hpp"

#include <utility>

namespace etcdsync::observe {
namespace {

constexpr std::chrono::seconds repeat_window{10};

}  // namespace

stream_sink::stream_sink(console& out, line_style style, wall_clock now)
    : out_(&out), style_(style), now_(std::move(now)), repeats_(repeat_window) {}

void stream_sink::write(log_level level, std::string_view message, std::span<const log_field> fields) {
    const repeat_counter::verdict seen = repeats_.take(now_(), level, message, fields);
    write_repeats(seen);
    if (seen.show) write_line(level, message, fields);
}

void stream_sink::flush() { write_repeats(repeats_.flush()); }

void stream_sink::write_repeats(const repeat_counter::verdict& seen) {
    if (seen.repeats == 0) return;
    const std::string_view times = seen.repeats == 1 ? "time" : "times";
    write_line(seen.repeated, fmt::format("last message repeated {} {}", seen.repeats, times), {});
}

void stream_sink::write_line(log_level level, std::string_view message, std::span<const log_field> fields) {
    std::string lines;
    if (dropped_ > 0) {
        const log_field count("lines", dropped_);
        lines = render_line(style_, now_(), log_level::warn, "log lines were dropped: the output was not writable",
                            {&count, 1});
    }
    lines += render_line(style_, now_(), level, message, fields);
    dropped_ = out_->write(lines) ? 0 : dropped_ + 1;
}

}  // namespace etcdsync::observe
