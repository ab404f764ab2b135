// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log_line.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// A log sink that keeps the lines for a test, as "info message key=value".
class capture_sink final : public observe::log_sink {
public:
    void write(observe::log_level level, std::string_view message,
               std::span<const observe::log_field> fields) override {
        std::string line = fmt::format("{} {}", observe::to_string(level), message);
        for (const observe::log_field& field : fields) line += fmt::format(" {}={}", field.name, field.value);
        lines.push_back(std::move(line));
    }

    /// The number of lines that contain `part`.
    [[nodiscard]] auto count(std::string_view part) const {
        return std::count_if(lines.begin(), lines.end(),
                             [part](const std::string& line) { return line.find(part) != std::string::npos; });
    }

    std::vector<std::string> lines;
};

}  // namespace etcdsync::test
