// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "grpc/status.hpp"
#include "net/byte_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::net {

/// Request metadata. Sensitive values (tokens) never enter a compression table or a log.
struct metadata_entry {
    std::string name;
    std::string value;
    bool sensitive = false;
};

/// What one message may be where nothing else is said. etcd takes 1.5 MiB by default and cuts watch answers 512 KiB above that;
/// there are masters with raised limits.
inline constexpr std::size_t default_max_message = 16U << 20;

struct call_options {
    call_options() = default;

    /// Kept on our side alone: the code a server gives for it differs between versions. None: only a Watch may.
    std::optional<aio::clock::time_point> deadline;
    /// A larger message ends the call (RESOURCE_EXHAUSTED, origin `connection`) before any of it is kept.
    std::size_t max_message = default_max_message;
    /// How much of a message is meant to be read: no more room than this is made for it in advance.
    std::size_t expected_message = 4U << 20;
    std::vector<metadata_entry> metadata;
};

/// One gRPC call. Destroying it before its end resets the stream (CANCEL).
class call {
public:
    virtual ~call() = default;

    /// Queues a message that carries its gRPC prefix already (grpc::frame). `last` half-closes.
    virtual void send(std::string framed, bool last) = 0;

    enum class progress {
        message,  ///< take() gives a whole message
        partial,  ///< at least `enough` bytes of a message are here: take() gives them and ends the call, take_part() goes on
        ended,  ///< status() tells how
    };

    static constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();

    /// Waits for the next message, but not for more than `enough` bytes of it. Only bytes of the message waited for are
    /// credited to the peer, so a reader that does not come back stalls it (backpressure).
    virtual aio::awaitable<progress> receive(std::size_t enough = whole) = 0;

    /// After receive() told `message` or `partial`.
    virtual std::string take() = 0;

    /// After receive() told `partial`: what came so far. What is left of the message comes next, as if it were one of its own.
    virtual std::string take_part() = 0;

    /// A message has begun to arrive and is not whole: the peer owes the rest of it.
    [[nodiscard]] virtual bool inside_message() const = 0;

    /// Ends the call from our side; receive() then tells `ended`. May be called while another coroutine is in receive().
    virtual void cancel() = 0;

    /// After receive() told `ended`.
    [[nodiscard]] virtual const grpc::status& status() const = 0;
};

/// One connection to one server, carrying calls.
class channel {
public:
    virtual ~channel() = default;

    /// Never fails: what is wrong comes out as the status of the call.
    virtual std::unique_ptr<call> open(std::string_view path, const call_options& options) = 0;

    /// False once the connection broke or the server asked us to leave (GOAWAY): dial another.
    [[nodiscard]] virtual bool usable() const = 0;

    /// What made it unusable, with the name of the peer.
    [[nodiscard]] virtual std::string why_unusable() const = 0;

    [[nodiscard]] virtual const endpoint& peer() const = 0;

    /// Calls `handler` once, from the loop, when the connection breaks: for who has no call open that would tell.
    virtual void on_broken(std::function<void()> handler) = 0;

    /// Ends the connection and all calls on it.
    virtual void close() = 0;

    /// A number for what calls carry now to be let in by the server; for renew_access().
    [[nodiscard]] virtual std::uint64_t access() const { return 0; }

    /// What calls carried when access() was `refused` is not taken any more. True: from now on they carry something else, so the
    /// call may be tried once more. False: there is nothing else to be had.
    virtual aio::awaitable<bool> renew_access(std::uint64_t refused) {
        static_cast<void>(refused);
        co_return false;
    }
};

}  // namespace etcdsync::net
