// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/master_timeout.hpp"

#include "app/daemon/slave_result.hpp"

namespace etcdsync::app {

using namespace std::chrono_literals;

bool master_timeout::expired(const replication::master_status& master, aio::clock::time_point now) {
    constexpr aio::clock::duration to_come = 3500ms;  // at the start: it is down, or the address is wrong
    constexpr aio::clock::duration to_return = 30s;   // during the work: it may only be restarting
    if (master.connected) {
        was_there_ = true;
        away_since_ = now;
    }
    if (master.connected || master.cause.empty()) return false;
    const outcome how = outcome_of(master.failure);
    // It may refuse only some of the rules: the links of those end by themselves.
    if (how == outcome::denied) return false;
    if (how != outcome::unreachable && !was_there_) return true;
    return now - away_since_ >= (was_there_ ? to_return : to_come);
}

}  // namespace etcdsync::app
