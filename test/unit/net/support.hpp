// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/framing.hpp"
#include "support/scripted_peer.hpp"

#include <string>
#include <vector>

namespace etcdsync::net {

/// Everything that a call returned.
struct call_result {
    std::vector<std::string> messages;
    grpc::status status;
    bool ended = false;
};

inline aio::awaitable<> read_all(call& from, call_result& out) {
    for (;;) {
        const auto progress = co_await from.receive();
        if (progress == call::progress::ended) break;
        out.messages.push_back(from.take());
    }
    out.status = from.status();
    out.ended = true;
}

/// Reads `from` to its end; the test fails if it does not end within `patience`.
inline call_result finish(test::test_loop& loop, call& from, aio::clock::duration patience = {}) {
    call_result out;
    loop.run(read_all(from, out), patience);
    return out;
}

}  // namespace etcdsync::net
