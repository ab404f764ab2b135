// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace etcdsync::net {

/// Detects a dead peer of one connection; private to net/. The peer must send something soon after
/// the connection was made, and must answer a PING after a silence while a call without a deadline of its own is open.
class keepalive {
public:
    struct limits {
        std::chrono::seconds first_bytes;  ///< until the peer must have sent something
        std::chrono::seconds silence;      ///< without bytes from the peer, before a PING is sent
        std::chrono::seconds answer;       ///< after the PING, before the peer counts as dead
    };
    struct actions {
        std::function<bool()> has_calls;
        std::function<bool()> has_own_deadline;  ///< a call is open that ends by itself when the peer is dead
        std::function<void()> send_ping;
        std::function<void(std::string why)> fail;  ///< the peer is dead; may be called once
    };

    keepalive(aio::clock& clock, const limits& how_long, actions to_take);

    /// Bytes arrived from the peer.
    void received();
    /// A call was opened.
    void call_opened();
    void ping_answered() { ping_open_ = false; }
    void stop();

    /// True after the first bytes of the peer.
    [[nodiscard]] bool peer_has_sent() const { return peer_has_sent_; }

private:
    void check();

    aio::clock* clock_;
    limits limits_;
    actions actions_;
    aio::clock::time_point last_received_;
    bool peer_has_sent_ = false;
    bool ping_open_ = false;
    std::optional<aio::alarm> first_bytes_timer_;
    std::optional<aio::alarm> silence_timer_;
};

}  // namespace etcdsync::net
