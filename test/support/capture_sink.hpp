// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log_line.hpp"

#include <string>
#include <vector>

namespace etcdsync::test {

/// Keeps log lines for a test, as "info message key=value".
class capture_sink final : public observe::log_sink {
public:
    void write(observe::log_level level, std::string_view message,
               std::span<const observe::log_field> fields) override {
        std::string line = fmt::format("{} {}", observe::to_string(level), message);
        for (const observe::log_field& field : fields) line += fmt::format(" {}={}", field.name, field.value);
        lines.push_back(std::move(line));
    }

    std::vector<std::string> lines;
};

}  // namespace etcdsync::test
