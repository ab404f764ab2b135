// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/task_group.hpp"
#include "http2/session.hpp"
#include "net/channel.hpp"

namespace etcdsync::net {

struct channel_options {
    http2::session_options http2;
    /// A server speaks first (RFC 9113 section 3.4): one that has not by then hangs, or is none.
    std::chrono::seconds greeting_timeout{3};
    /// After this long without a byte from the peer while a call is open, a PING goes out (etcd takes pings closer than
    /// 5 s, or without an open call, for abuse: etcd-wire.md 1.5) ...
    std::chrono::seconds keepalive_time{10};
    /// ... and this long after it the peer counts as dead.
    std::chrono::seconds keepalive_timeout{5};
};

/// Speaks gRPC over `stream`. Its reader and writer run in `tasks`, which must outlive the channel; close() or the
/// last reference ends them.
[[nodiscard]] std::shared_ptr<channel> make_http2_channel(std::unique_ptr<byte_stream> stream, endpoint peer,
                                                          aio::clock& clock, aio::task_group& tasks,
                                                          const channel_options& options);

}  // namespace etcdsync::net
