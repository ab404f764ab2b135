// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/process_table.hpp"

#include <set>
#include <string>
#include <utility>

namespace etcdsync::test {

/// A host whose processes the test starts and ends.
struct memory_host {
    explicit memory_host(std::string boot = "boot-1") : boot_id(std::move(boot)) {}
    std::string boot_id;
    std::set<std::int64_t> running;
    std::int64_t last_pid = 100;
};

/// A process of a memory_host, which outlives it, until this object is destroyed.
class memory_process final : public base::process_table {
public:
    explicit memory_process(memory_host& on) : host_(&on), pid_(++on.last_pid) { on.running.insert(pid_); }
    ~memory_process() override { host_->running.erase(pid_); }
    memory_process(const memory_process&) = delete;

    [[nodiscard]] base::process_identity self() const override {
        return {host_->boot_id, 4'026'531'836, pid_, static_cast<std::uint64_t>(pid_)};
    }
    [[nodiscard]] bool is_gone(std::int64_t pid, std::uint64_t start_time) const override {
        return !host_->running.contains(pid) || start_time != static_cast<std::uint64_t>(pid);
    }

private:
    memory_host* host_;
    std::int64_t pid_;
};

}  // namespace etcdsync::test
