// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::observe {

enum class log_level { trace, debug, info, warn, error };

/// One key=value of a log line. Values never hold secrets or etcd values; keys of etcd go through base::printable.
struct log_field {
    template <class T>
    log_field(std::string_view field_name, const T& field_value)
        : name(field_name), value(fmt::format("{}", field_value)) {}
    std::string name;
    std::string value;
};

/// Where log lines go: a terminal, a journal, a capture in a test.
class log_sink {
public:
    virtual ~log_sink() = default;
    virtual void write(log_level level, std::string_view message, std::span<const log_field> fields) = 0;
};

/// A level in front of a sink. Every state change is told once, with cause and next step; a quiet system logs nothing.
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

private:
    void log(log_level level, std::string_view message, fields f) const {
        if (wants(level)) sink_->write(level, message, std::span(f.begin(), f.size()));
    }

    log_sink* sink_;
    log_level lowest_;
};

}  // namespace etcdsync::observe
