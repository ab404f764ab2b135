// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace etcdsync::base {

/// Identifies a process among all processes that its kernel runs until the next boot.
struct process_identity {
    std::string boot_id;              ///< of the kernel; empty: unknown
    std::uint64_t pid_namespace = 0;  ///< inode; 0: unknown
    std::int64_t pid = 0;             ///< in that namespace
    std::uint64_t start_time = 0;     ///< clock ticks after the boot

    friend bool operator==(const process_identity&, const process_identity&) = default;
};

/// The processes of our pid namespace. Injected: app/process reads /proc.
class process_table {
public:
    virtual ~process_table() = default;

    [[nodiscard]] virtual process_identity self() const = 0;

    /// True if it is certain that no process with this pid and start time runs in our pid namespace
    /// any more.
    [[nodiscard]] virtual bool is_gone(std::int64_t pid, std::uint64_t start_time) const = 0;
};

}  // namespace etcdsync::base
