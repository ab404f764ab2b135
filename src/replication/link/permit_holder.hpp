// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/permits.hpp"
#include "replication/link/slave_session.hpp"

#include <optional>

namespace etcdsync::replication {

/// The permit of one session. Catch-up and full sync share it: one is enough, whatever it is held for.
class permit_holder {
public:
    explicit permit_holder(slave_session& session) : session_(&session) {}

    /// Waits until a permit is free, and meanwhile checks the slave every probe interval. `done` once it is held.
    aio::awaitable<step_result> take();

    /// Returns the permit at the end of a scope, unless it was held before.
    class scope {
    public:
        explicit scope(permit_holder& of) : of_(&of), held_before_(of.held_.has_value()) {}
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;
        ~scope() {
            if (!held_before_) of_->held_.reset();
        }

    private:
        permit_holder* of_;
        bool held_before_;
    };

private:
    slave_session* session_;
    std::optional<permits::permit> held_;
};

}  // namespace etcdsync::replication
