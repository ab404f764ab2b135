// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/process_table.hpp"

#include <optional>
#include <string_view>

namespace etcdsync::app {

/// The processes of our pid namespace, as /proc shows them. If /proc is missing, or belongs to
/// another pid namespace, nothing is known.
class system_processes final : public base::process_table {
public:
    system_processes();

    [[nodiscard]] base::process_identity self() const override { return self_; }
    [[nodiscard]] bool is_gone(std::int64_t pid, std::uint64_t start_time) const override;

private:
    base::process_identity self_;
};

/// What /proc/PID/stat says of a process.
struct process_stat {
    char state = '?';              ///< 'Z': it has ended, and its parent has not noticed yet
    std::uint64_t start_time = 0;  ///< clock ticks after the boot
};

/// Parses the text of /proc/PID/stat. The name of the program, in parentheses, may contain anything.
[[nodiscard]] std::optional<process_stat> parse_process_stat(std::string_view text);

}  // namespace etcdsync::app
