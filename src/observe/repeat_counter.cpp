// SPDX-License-Identifier: Apache-2.0
#include "observe/repeat_counter.hpp"

#include <utility>

namespace etcdsync::observe {
namespace {

/// Equal if and only if level, message and fields are equal.
std::string identity(log_level level, std::string_view message, std::span<const log_field> fields) {
    std::string out = fmt::format("{}:{}:{}", static_cast<int>(level), message.size(), message);
    for (const log_field& field : fields) {
        out += fmt::format("{}:{}{}:{}", field.name.size(), field.name, field.value.size(), field.value);
    }
    return out;
}

}  // namespace

repeat_counter::verdict repeat_counter::take(time_point now, log_level level, std::string_view message,
                                             std::span<const log_field> fields) {
    std::string line = identity(level, message, fields);
    // If the wall clock is set back, the line is shown once too often instead of never again.
    const bool recent = now >= shown_ && now - shown_ < window_;
    if (line == last_ && recent) {
        ++repeats_;
        return {.show = false};
    }
    const verdict before = flush();
    last_ = std::move(line);
    last_level_ = level;
    shown_ = now;
    return {.show = true, .repeats = before.repeats, .repeated = before.repeated};
}

repeat_counter::verdict repeat_counter::flush() {
    return {.show = false, .repeats = std::exchange(repeats_, 0), .repeated = last_level_};
}

}  // namespace etcdsync::observe
