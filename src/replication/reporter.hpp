// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/context.hpp"
#include "replication/status.hpp"

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

    /// The slave can not be worked with; the next try comes after `pause`.
    void disconnected(std::string_view cause, std::chrono::milliseconds pause);

private:
    void change(link_state state, std::string_view cause);

    const context* context_;
    link_status status_;
    link_state told_ = link_state::stopped;
};

}  // namespace etcdsync::replication
