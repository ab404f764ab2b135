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

/// HTTP/2 as a client speaks it (RFC 9113): bytes in, bytes out, events. No sockets, no time.
namespace etcdsync::http2 {

using stream_id = std::int32_t;

/// Error codes of RFC 9113 section 7 that we name; a peer may send any other number.
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

/// "REFUSED_STREAM", "error 0x17".
[[nodiscard]] std::string to_string(error_code code);

struct header {
    std::string name;
    std::string value;
};

/// A header to send. `sensitive` ones (tokens) are never put into a compression table.
struct header_view {
    std::string_view name;
    std::string_view value;
    bool sensitive = false;
};

/// What a session tells its owner, from inside feed() and pull(). An implementation may call the stream functions of
/// the session (send, consume, reset, submit_request), but never feed() or pull(), and must not destroy the session.
class events {
public:
    virtual ~events() = default;

    /// One whole header block: the response headers, or the trailers (then `end_stream`). 1xx blocks are not told.
    virtual void on_headers(stream_id id, const std::vector<header>& headers, bool end_stream) = 0;

    /// Body bytes; the view ends with the call. Each byte must be given back once with session::consume().
    virtual void on_data(stream_id id, std::string_view bytes) = 0;

    /// The last event of a stream. `unprocessed`: the server says it never acted on it (REFUSED_STREAM, or beyond the
    /// last id of a GOAWAY: RFC 9113 sections 6.8 and 8.7), so that any request may be sent again.
    virtual void on_close(stream_id id, error_code code, bool unprocessed) = 0;

    virtual void on_goaway(error_code code, std::string_view debug_data) = 0;

    /// The answer to ping().
    virtual void on_ping_ack(std::uint64_t opaque) = 0;
};

struct session_options {
    std::uint32_t stream_window = 1U << 20;      ///< bytes a stream may have unconsumed
    std::uint32_t connection_window = 4U << 20;  ///< keep >= the sum of the streams' windows that may stall
    std::uint32_t max_frame_size = 256U << 10;
    std::size_t max_header_bytes = 16U << 10;  ///< names and values of one block; above it the stream is reset
    std::size_t max_header_fields = 64;
    unsigned max_idle_frames = 20'000;  ///< frames that bring no stream forward: above it the peer floods
    stream_id first_stream_id = 1;      ///< odd; for tests of connections that run out of ids
};

/// A client session. Everything it refuses (malformed frames, floods, oversized headers) ends the stream or makes
/// feed() fail; after a failure only destruction is left. Not thread-safe.
class session {
public:
    session(events& sink, const session_options& options);
    ~session();
    session(session&&) = delete;

    /// Gives received bytes to the session; all events come from inside. Fails where the connection is to be closed:
    /// the text says what the peer did.
    [[nodiscard]] base::result<void> feed(std::string_view bytes);

    /// Appends all bytes that may be sent now (flow control permitting). Call after every feed() and stream function.
    [[nodiscard]] base::result<void> pull(std::string& out);

    /// Neither side has anything more to say: close the connection.
    [[nodiscard]] bool finished() const;

    /// Opens a stream with a body still to come (send()). Fails after GOAWAY and when stream ids run out: dial anew.
    [[nodiscard]] base::result<stream_id> submit_request(std::span<const header_view> headers);

    /// Queues body bytes; `end_stream` half-closes after them. Ignored on a stream that is gone.
    void send(stream_id id, std::string bytes, bool end_stream);

    /// Gives back `count` received bytes, so that the peer may send as many more. On a stream that is gone only the
    /// connection's window is credited (nghttp2 does not do it by itself: etcd-wire.md section 9); so bytes told by
    /// on_data and not yet consumed when on_close comes stay the owner's debt: exactly one consume() for each byte.
    void consume(stream_id id, std::size_t count);

    /// RST_STREAM; from now on only on_close is told, by the next pull(). Ignored on a stream that is gone.
    void reset(stream_id id, error_code code);

    void ping(std::uint64_t opaque);

    /// True once GOAWAY came or stream ids are nearly used up: finish what is open, use another connection for more.
    [[nodiscard]] bool draining() const;

    [[nodiscard]] std::size_t open_streams() const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace etcdsync::http2
