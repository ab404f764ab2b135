// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/status/context.hpp"
#include "replication/status/outage_log.hpp"
#include "replication/status/status.hpp"

#include <string>
#include <string_view>

namespace etcdsync::replication {

/// The status of one link, and the log lines about it: each change of state once, with its cause and what happens next.
class reporter {
public:
    reporter(const context& with, std::string name, std::string endpoints);

    [[nodiscard]] link_status& status() { return status_; }
    [[nodiscard]] const link_status& status() const { return status_; }

    /// Not told again while the state stays. `cause` explains it to people.
    void enter(link_state state, std::string_view cause = {});

    /// Connecting, and waiting for something that is told elsewhere.
    void wait(std::string_view cause);

    /// The slave can not be worked with; the next try comes after `pause`. Told once, and again where it stays so for another cause.
    void disconnected(std::string_view cause, std::chrono::milliseconds pause);

    /// The slave refuses what is to be written, and a person must act, or the master's keys must change. Told like disconnected(), as
    /// long as nothing else could be written.
    void parked(std::string_view cause, std::chrono::milliseconds pause);

private:
    [[nodiscard]] bool is_parked() const { return parked_ && status_.puts + status_.deletes == written_; }
    void change(link_state state, std::string_view cause);
    /// At debug level: what is tried for ever fails for other causes as time goes on.
    void tell_again(std::string_view cause) const;

    const context* context_;
    link_status status_;
    link_state told_ = link_state::stopped;
    outage_log outage_;  ///< while disconnected
    bool parked_ = false;
    std::uint64_t written_ = 0;  ///< when it was
};

}  // namespace etcdsync::replication
