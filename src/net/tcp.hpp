// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"

namespace etcdsync::net {

/// Plain TCP (h2c with prior knowledge, etcd-wire.md 1.6). Literal addresses are not resolved; a name is tried at each
/// of its addresses in turn. Cancellation closes the socket; a name look-up that hangs is left to end by itself.
class tcp_dialer final : public dialer {
public:
    explicit tcp_dialer(aio::clock& clock) : clock_(&clock) {}

    aio::awaitable<base::result<std::unique_ptr<byte_stream>>> dial(endpoint to,
                                                                    aio::clock::time_point deadline) override;

private:
    aio::clock* clock_;
};

}  // namespace etcdsync::net
