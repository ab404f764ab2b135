// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/subscription.hpp"
#include "grpc/status.hpp"
#include "net/byte_stream.hpp"
#include "net/call_deadline.hpp"

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

/// Request metadata. Sensitive values (tokens) are never added to a compression table or logged.
struct metadata_entry {
    std::string name;
    std::string value;
    bool sensitive = false;
};

/// The default limit for the size of a message. etcd accepts requests of 1.5 MiB by default, and
/// splits watch responses 512 KiB above that; some masters have raised limits.
inline constexpr std::size_t default_max_message = 16U << 20;

struct call_options {
    call_options() = default;

    /// Enforced only on our side, because the status code of servers differs between versions. Only
    /// a Watch and a LeaseKeepAlive may have none.
    std::optional<call_patience> patience;
    /// A larger message ends the call (RESOURCE_EXHAUSTED, origin `connection`) before it is
    /// stored.
    std::size_t max_message = default_max_message;
    /// The size up to which memory for a message is reserved in advance.
    std::size_t expected_message = 4U << 20;
    std::vector<metadata_entry> metadata;
};

/// One gRPC call. Destroying it before it ended resets the stream (CANCEL).
class call {
public:
    virtual ~call() = default;

    /// Queues a message that already has its gRPC prefix (grpc::frame). `last` half-closes the
    /// stream.
    virtual void send(std::string framed, bool last) = 0;

    enum class progress {
        message,  ///< take() returns a complete message
        /// At least `enough` bytes of a message are available. take() returns them and ends the
        /// call; take_part() returns them, and the call continues.
        partial,
        ended,  ///< status() is set
    };

    static constexpr std::size_t whole = std::numeric_limits<std::size_t>::max();

    /// Waits for the next message, but not for more than `enough` bytes of it. Flow-control window
    /// is only released for the message that is awaited, so a slow reader stalls the peer
    /// (backpressure).
    virtual aio::awaitable<progress> receive(std::size_t enough = whole) = 0;

    /// Takes the message after receive() returned `message`, or what has arrived of it after
    /// `partial`.
    virtual std::string take() = 0;

    /// Takes what has arrived of the message after receive() returned `partial`. The rest follows
    /// as if it were a message of its own.
    virtual std::string take_part() = 0;

    /// True while a message has arrived only in part.
    [[nodiscard]] virtual bool inside_message() const = 0;

    /// Bytes of messages, their prefixes included.
    [[nodiscard]] virtual std::uint64_t received() const = 0;

    /// Ends the call from our side; receive() then returns `ended`. May be called while another
    /// coroutine is in receive().
    virtual void cancel() = 0;

    /// The status, after receive() returned `ended`.
    [[nodiscard]] virtual const grpc::status& status() const = 0;
};

/// A connection to a server that carries calls.
class channel {
public:
    virtual ~channel() = default;

    /// Opens a call. It never fails; problems become the status of the call.
    virtual std::unique_ptr<call> open(std::string_view path, const call_options& options) = 0;

    /// False after the connection broke or the server sent GOAWAY: dial another one.
    [[nodiscard]] virtual bool usable() const = 0;

    /// Why the channel is not usable, with the name of the peer.
    [[nodiscard]] virtual std::string why_unusable() const = 0;

    [[nodiscard]] virtual const endpoint& peer() const = 0;

    /// Calls `listener` once, from the loop, when the connection breaks, or soon if it is broken
    /// already. This also reaches users without an open call. It is not called after the
    /// subscription ended, nor when the channel is destroyed.
    [[nodiscard]] virtual aio::subscription on_broken(std::function<void()> listener) = 0;

    /// Ends the connection and all calls on it.
    virtual void close() = 0;

    /// Identifies the credentials that calls carry now; for renew_credentials().
    [[nodiscard]] virtual std::uint64_t credentials_generation() const { return 0; }

    /// Replaces the credentials of generation `rejected`, which the server no longer accepts. True
    /// if calls carry other credentials now, so that the call may be retried; false if there are
    /// none.
    virtual aio::awaitable<bool> renew_credentials(std::uint64_t rejected) {
        static_cast<void>(rejected);
        co_return false;
    }
};

}  // namespace etcdsync::net
