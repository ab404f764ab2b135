// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"

#include <cstdint>
#include <optional>

namespace etcdsync::net {

/// How long a call may take. Progress counts, not time alone: on a thin line a large message takes minutes.
struct call_patience {
    aio::clock::duration silence{};  ///< without progress, while the request is sent or the response arrives
    aio::clock::duration answer{};   ///< after the peer took the whole request, until the response begins
};

/// What is known about the bytes of a call.
struct call_progress {
    std::uint64_t size = 0;            ///< of the request, and of the response so far
    std::uint64_t taken = 0;           ///< bytes that the peer's host has taken from this connection
    bool request_taken = false;        ///< the whole request is among them
    std::uint64_t window_updates = 0;  ///< frames by which the peer says that it has consumed bytes of this connection
    std::uint64_t received = 0;        ///< bytes of the response

    friend bool operator==(const call_progress&, const call_progress&) = default;
};

/// Decides whether a call has taken too long. Whatever its progress, a call ends after a minute and the time its bytes take at 256
/// B/s: a peer that trickles bytes holds nobody for ever. Pure.
class call_deadline {
public:
    /// `progress` when the request was queued.
    call_deadline(const call_patience& patience, aio::clock::time_point started, const call_progress& progress)
        : patience_(patience), started_(started), last_progress_(started), seen_(progress) {}

    /// Notes `now`. Returns when to check again; nothing if the call has taken too long.
    [[nodiscard]] std::optional<aio::clock::time_point> check(aio::clock::time_point now,
                                                              const call_progress& progress);

    /// When to check first.
    [[nodiscard]] aio::clock::time_point first_check() const { return started_ + interval(); }

private:
    [[nodiscard]] aio::clock::duration interval() const { return patience_.silence / 4; }
    [[nodiscard]] bool has_progressed(const call_progress& progress) const;

    call_patience patience_;
    aio::clock::time_point started_;
    aio::clock::time_point last_progress_;
    call_progress seen_;
    bool checked_ = false;
};

}  // namespace etcdsync::net
