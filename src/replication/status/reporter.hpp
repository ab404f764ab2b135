// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/status/context.hpp"
#include "replication/status/outage_log.hpp"
#include "replication/status/status.hpp"

#include <initializer_list>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// The status of one link and the log lines about it: each change of state is logged once, with its cause and what happens next.
class reporter {
public:
    /// `rule`: the only one of the link, in consistency = "rule"; else empty.
    reporter(const context& with, std::string slave, std::string rule, std::string endpoints);

    [[nodiscard]] link_status& status() { return status_; }
    [[nodiscard]] const link_status& status() const { return status_; }

    /// Enters a state. It is logged once while it lasts. `cause` explains it to people.
    void enter(link_state state, std::string_view cause = {});

    /// Connecting, and waiting for something that is logged elsewhere.
    void wait(std::string_view cause);

    /// The slave is unusable; the next attempt comes after `pause`. Logged once, and again if the cause changes.
    void disconnected(std::string_view cause, std::chrono::milliseconds pause);

    /// The slave rejects a write until an operator acts or the master's keys change. Logged like disconnected(), as long as nothing
    /// else could be written.
    void parked(std::string_view cause, std::chrono::milliseconds pause);

    /// Logs a line about this link: slave= (and rule=) come before `fields`.
    void log(observe::log_level level, std::string_view message,
             std::initializer_list<observe::log_field> fields = {}) const;

private:
    [[nodiscard]] bool is_parked() const { return parked_ && status_.puts + status_.deletes == written_; }
    void change(link_state state, std::string_view cause);
    /// At debug level: retries fail for other causes as time passes.
    void log_failed_retry(std::string_view cause) const;
    [[nodiscard]] std::string_view retrying() const { return context_->once ? "" : "; retrying"; }

    const context* context_;
    link_status status_;
    link_state logged_ = link_state::stopped;
    outage_log outage_;  ///< while disconnected
    bool parked_ = false;
    std::uint64_t written_ = 0;  ///< when it was
};

}  // namespace etcdsync::replication
