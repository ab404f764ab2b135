// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/framing.hpp"
#include "support/scripted_peer.hpp"

#include <string>
#include <vector>

namespace etcdsync::net {

/// What a call told, read to its end.
struct outcome {
    std::vector<std::string> messages;
    grpc::status status;
    bool ended = false;
};

inline aio::awaitable<> read_all(call& from, outcome& out) {
    for (;;) {
        const auto progress = co_await from.receive();
        if (progress == call::progress::ended) break;
        out.messages.push_back(from.take());
    }
    out.status = from.status();
    out.ended = true;
}

/// Reads `from` to its end; the test fails where that does not come.
inline outcome finish(test::test_loop& loop, call& from, aio::clock::duration patience = {}) {
    outcome out;
    loop.run(read_all(from, out), patience);
    return out;
}

}  // namespace etcdsync::net
