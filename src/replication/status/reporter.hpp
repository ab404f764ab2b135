// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/status/context.hpp"
#include "replication/status/outage_log.hpp"
#include "replication/status/status.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Keeps the status of one link and writes the log lines about it: each change of state is logged
/// once, with its cause.
class reporter {
public:
    /// `rule` is the rule of the link in consistency = "rule", else empty.
    reporter(const context& with, std::string slave, std::string rule, std::string endpoints);

    [[nodiscard]] link_status& status() { return status_; }
    [[nodiscard]] const link_status& status() const { return status_; }

    /// Enters a state, and logs it once for as long as it lasts. `cause` explains the state. See held(), disconnected() and
    /// parked() for those states.
    void enter(link_state state, std::string_view cause = {});

    /// Enters the state `held`. If the hold is `approvable`, the commands that show and approve it are logged.
    void held(std::string_view cause, bool approvable);

    /// Enters the state `connecting` without a log line: what it waits for is logged elsewhere.
    void wait(std::string_view cause);

    /// Enters the state `disconnected`: the slave is unusable, and the next attempt comes after
    /// `pause`. Logged once, and again if the cause changes.
    void disconnected(std::string_view cause, std::chrono::milliseconds pause);

    /// Like disconnected(), for a slave that rejects a write until an operator acts or the master's
    /// keys change. Logged once until something else can be written.
    void parked(std::string_view cause, std::chrono::milliseconds pause);

    /// Logs a line about this link: slave= (and rule=) come before `fields`.
    void log(observe::log_level level, std::string_view message, std::vector<observe::log_field> fields = {}) const;

private:
    [[nodiscard]] bool is_parked() const { return parked_ && status_.puts + status_.deletes == written_; }
    void change(link_state state, std::string_view cause);
    /// Logs at debug level: the cause of a failed retry may change with each one.
    void log_failed_retry(std::string_view cause) const;
    [[nodiscard]] std::string_view retrying() const { return context_->once ? "" : "; retrying"; }

    const context* context_;
    link_status status_;
    link_state logged_ = link_state::stopped;
    outage_log outage_;  ///< causes of the current outage
    bool parked_ = false;
    std::uint64_t written_ = 0;  ///< puts and deletes when the slave rejected the write
};

}  // namespace etcdsync::replication
