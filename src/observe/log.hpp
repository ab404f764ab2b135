// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/text.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace etcdsync::observe {

enum class log_level { trace, debug, info, warn, error };

/// True for numbers and booleans that JSON can hold. NaN and the infinities, and single characters,
/// are text.
template <class T>
[[nodiscard]] bool is_json_literal(const T& value) {
    if constexpr (std::is_floating_point_v<T>) return std::isfinite(value);
    return std::is_arithmetic_v<T> && !std::is_same_v<T, char>;
}

/// One data field of a log line; every format writes the same name and the same value. Names are
/// lower case with underscores, and never "time", "level" or "msg". Pass numbers as numbers, so
/// that they are numbers in JSON, and durations as durations. 64-bit ids are hexadecimal text: JSON
/// readers round numbers above 2^53. Values never hold secrets or values of etcd keys; etcd keys go
/// through base::printable.
struct log_field {
    template <class T>
    log_field(std::string_view field_name, const T& field_value)
        : name(field_name), value(fmt::format("{}", field_value)), is_literal(is_json_literal(field_value)) {}

    /// Durations are text with their units, "250ms", "2.5s", "2h05m" (base::format_duration).
    template <class Rep, class Period>
    log_field(std::string_view field_name, std::chrono::duration<Rep, Period> field_value)
        : name(field_name),
          value(base::format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(field_value))) {}

    std::string name;
    std::string value;
    bool is_literal = false;  ///< a number or a boolean: JSON writes it without quotes
};

/// The destination of log lines: a terminal, the journal, or a capture in a test.
class log_sink {
public:
    virtual ~log_sink() = default;
    virtual void write(log_level level, std::string_view message, std::span<const log_field> fields) = 0;
};

/// Passes the lines at or above a level to a sink. Log every state change once, with its cause and
/// the next step, and nothing while nothing happens. A message is lower case without a full stop;
/// data goes into fields.
class logger {
public:
    logger(log_sink& sink, log_level lowest) : sink_(&sink), lowest_(lowest) {}

    using fields = std::initializer_list<log_field>;
    void trace(std::string_view message, fields f = {}) const { log(log_level::trace, message, f); }
    void debug(std::string_view message, fields f = {}) const { log(log_level::debug, message, f); }
    void info(std::string_view message, fields f = {}) const { log(log_level::info, message, f); }
    void warn(std::string_view message, fields f = {}) const { log(log_level::warn, message, f); }
    void error(std::string_view message, fields f = {}) const { log(log_level::error, message, f); }

    [[nodiscard]] bool wants(log_level level) const { return level >= lowest_; }
    void set_level(log_level lowest) { lowest_ = lowest; }

    void log(log_level level, std::string_view message, std::span<const log_field> f) const {
        if (wants(level)) sink_->write(level, message, f);
    }

private:
    void log(log_level level, std::string_view message, fields f) const {
        log(level, message, std::span(f.begin(), f.size()));
    }

    log_sink* sink_;
    log_level lowest_;
};

}  // namespace etcdsync::observe
