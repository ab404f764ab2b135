// SPDX-License-Identifier: Apache-2.0
#include "net/keepalive.hpp"

#include <fmt/format.h>

#include <utility>

namespace etcdsync::net {

keepalive::keepalive(aio::clock& clock, const limits& how_long, actions to_take)
    : clock_(&clock), limits_(how_long), actions_(std::move(to_take)), last_received_(clock.now()) {
    first_bytes_timer_.emplace(clock, last_received_ + limits_.first_bytes, [this] {
        actions_.fail("the peer accepts connections but sends nothing: it hangs or is not etcd");
    });
}

void keepalive::received() {
    first_bytes_timer_.reset();
    peer_has_sent_ = true;
    last_received_ = clock_->now();
    ping_open_ = false;
}

void keepalive::call_opened() {
    if (silence_timer_) return;
    last_received_ = clock_->now();
    silence_timer_.emplace(*clock_, last_received_ + limits_.silence, [this] { check(); });
}

void keepalive::stop() {
    silence_timer_.reset();
    first_bytes_timer_.reset();
}

void keepalive::check() {
    silence_timer_.reset();
    if (!actions_.has_calls()) return;  // call_opened() starts the timer again
    const auto now = clock_->now();
    auto next = last_received_ + limits_.silence;
    if (now >= next) {
        // On a thin line the PING waits behind a large request, and its answer behind a large response.
        if (ping_open_ && !actions_.has_own_deadline()) {
            const auto silence = std::chrono::duration_cast<std::chrono::seconds>(now - last_received_);
            actions_.fail(fmt::format("no sign of life for {} s", silence.count()));
            return;
        }
        if (!std::exchange(ping_open_, true)) actions_.send_ping();
        next = now + limits_.answer;
    }
    silence_timer_.emplace(*clock_, next, [this] { check(); });
}

}  // namespace etcdsync::net
