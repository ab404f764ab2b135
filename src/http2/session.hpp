// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The client side of HTTP/2 (RFC 9113): bytes in, bytes out, events. No sockets, no time.
namespace etcdsync::http2 {

using stream_id = std::int32_t;

/// The error codes of RFC 9113 section 7. A peer may send any other number.
enum class error_code : std::uint32_t {
    no_error = 0x0,
    protocol_error = 0x1,
    internal_error = 0x2,
    flow_control_error = 0x3,
    settings_timeout = 0x4,
    stream_closed = 0x5,
    frame_size_error = 0x6,
    refused_stream = 0x7,
    cancel = 0x8,
    compression_error = 0x9,
    connect_error = 0xa,
    enhance_your_calm = 0xb,
    inadequate_security = 0xc,
    http_1_1_required = 0xd,
};

/// The name of the code, such as "REFUSED_STREAM", or "error 0x17" for an unknown number.
[[nodiscard]] std::string to_string(error_code code);

struct header {
    std::string name;
    std::string value;
};

/// A header to send. A `sensitive` one (a token) is never added to a compression table.
struct header_view {
    std::string_view name;
    std::string_view value;
    bool sensitive = false;
};

/// Events of a session, called from inside feed() and pull(). An implementation may call the stream
/// functions of the session (send, consume, reset, submit_request), but never feed() or pull(), and
/// must not destroy the session.
class events {
public:
    virtual ~events() = default;

    /// A complete header block: the response headers, or the trailers (then `end_stream` is true).
    /// 1xx blocks are not reported.
    virtual void on_headers(stream_id id, const std::vector<header>& headers, bool end_stream) = 0;

    /// Body bytes, valid only during the call. Each byte must be released exactly once with
    /// session::consume().
    virtual void on_data(stream_id id, std::string_view bytes) = 0;

    /// The last event of a stream. `unprocessed` is true if the server did not process the request
    /// (REFUSED_STREAM, or beyond the last id of a GOAWAY: RFC 9113 sections 6.8 and 8.7), so that
    /// any request may be sent again.
    virtual void on_close(stream_id id, error_code code, bool unprocessed) = 0;

    virtual void on_goaway(error_code code, std::string_view debug_data) = 0;

    /// The answer to ping().
    virtual void on_ping_ack(std::uint64_t opaque) = 0;
};

struct session_options {
    std::uint32_t stream_window = 1U << 20;      ///< bytes of a stream that may be unconsumed
    std::uint32_t connection_window = 4U << 20;  ///< at least the sum of the windows of the streams that may stall
    std::uint32_t max_frame_size = 256U << 10;
    std::size_t max_header_bytes = 16U << 10;  ///< names and values of one block; the stream is reset above it
    std::size_t max_header_fields = 64;
    unsigned max_idle_frames = 20'000;  ///< frames without progress on a stream; feed() fails above it
    stream_id first_stream_id = 1;      ///< odd; lets tests use up the ids quickly
};

/// A client session. Malformed frames, floods and oversized headers end the stream or make feed()
/// fail. After a failure the session can only be destroyed. Not thread-safe.
class session {
public:
    session(events& sink, const session_options& options);
    ~session();
    session(session&&) = delete;

    /// Passes received bytes to the session, which calls the events. Fails if the connection must
    /// be closed; the error says what the peer did.
    [[nodiscard]] base::result<void> feed(std::string_view bytes);

    /// Appends all bytes that may be sent now (if flow control allows it). Call it after every
    /// feed() and stream function.
    [[nodiscard]] base::result<void> pull(std::string& out);

    /// True if neither side has anything more to send: close the connection.
    [[nodiscard]] bool finished() const;

    /// Opens a stream; its body follows with send(). Fails after GOAWAY and when stream ids run
    /// out: open another connection.
    [[nodiscard]] base::result<stream_id> submit_request(std::span<const header_view> headers);

    /// Queues body bytes; `end_stream` half-closes the stream after them. Ignored on a closed
    /// stream.
    void send(stream_id id, std::string bytes, bool end_stream);

    /// Bytes of send() that pull() has not returned yet. 0 on a closed stream.
    [[nodiscard]] std::size_t queued(stream_id id) const;

    /// WINDOW_UPDATE frames received: the peer has consumed body bytes.
    [[nodiscard]] std::uint64_t window_updates() const;

    /// Releases `count` received bytes, so that the peer may send as many more. On a closed stream
    /// this only credits the connection's window, which nghttp2 does not do by itself (etcd-wire.md
    /// section 9). So the owner must release each byte of on_data() exactly once, also after
    /// on_close().
    void consume(stream_id id, std::size_t count);

    /// Sends RST_STREAM. From now on the stream has only one event: on_close(), from the next
    /// pull(). Ignored on a closed stream.
    void reset(stream_id id, error_code code);

    void ping(std::uint64_t opaque);

    /// True after GOAWAY, or if stream ids are nearly used up: finish the open streams and use
    /// another connection for new ones.
    [[nodiscard]] bool draining() const;

    [[nodiscard]] std::size_t open_streams() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace etcdsync::http2
