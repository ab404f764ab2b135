// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task_group.hpp"
#include "http2/session.hpp"
#include "net/channel.hpp"

#include <chrono>
#include <functional>

namespace etcdsync::net {

struct channel_options {
    http2::session_options http2;
    /// The time until the peer must have sent its SETTINGS, which a server does without waiting for
    /// us (RFC 9113 section 3.4).
    std::chrono::seconds preface_timeout{3};
    /// The time without a byte from the peer, while a call is open, after which a PING is sent.
    /// etcd considers PINGs less than 5 s apart, or without an open call, as abuse (etcd-wire.md
    /// 1.5).
    std::chrono::seconds keepalive_time{10};
    /// The time after that PING until the peer counts as dead.
    std::chrono::seconds keepalive_timeout{5};
    /// If set, called when the peer ends the connection because of too many PINGs.
    std::function<void()> on_too_many_pings;
};

/// Creates a channel that speaks gRPC over `stream`. Its reader and writer run in `tasks`, which
/// must outlive the channel, until close() or until the channel is destroyed.
[[nodiscard]] std::shared_ptr<channel> make_http2_channel(std::unique_ptr<byte_stream> stream, endpoint peer,
                                                          aio::clock& clock, aio::task_group& tasks,
                                                          const channel_options& options);

}  // namespace etcdsync::net
