// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/session.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The server side of an HTTP/2 connection for tests: an nghttp2 session without sockets.
namespace etcdsync::test {

using http2::header;
using http2::stream_id;
using header_list = std::vector<header>;

/// What a server has received of a request.
struct received_request {
    header_list headers;
    std::string body;
    bool ended = false;                      ///< END_STREAM arrived
    std::optional<http2::error_code> reset;  ///< the client's RST_STREAM
    bool closed = false;                     ///< both sides have ended the stream

    /// The value of a header, or "" if there is none.
    [[nodiscard]] std::string value(std::string_view name) const;
};

struct http2_server_options {
    std::uint32_t stream_window = 65535;
    std::uint32_t max_frame_size = 16384;
    std::uint32_t max_concurrent_streams = 100;
    bool manual_window = false;  ///< window is only released by consume()
};

/// A server session whose requests and responses the test handles.
class http2_server {
public:
    explicit http2_server(const http2_server_options& options = {});
    ~http2_server();
    http2_server(http2_server&&) = delete;

    /// Processes bytes of the client. Throws std::runtime_error if they violate HTTP/2.
    void feed(std::string_view bytes);

    /// Returns all bytes that may be sent now.
    [[nodiscard]] std::string pull();

    /// Hooks, called from inside feed(). They may respond at once, but not call feed() or pull().
    std::function<void(stream_id)> on_request;                   ///< the headers are complete
    std::function<void(stream_id, std::string_view)> on_body;    ///< part of the body arrived
    std::function<void(stream_id)> on_end;                       ///< END_STREAM arrived
    std::function<void(stream_id, http2::error_code)> on_reset;  ///< RST_STREAM arrived

    /// All requests by stream id, also those that have ended.
    [[nodiscard]] const std::map<stream_id, received_request>& requests() const;
    /// The number of PINGs received.
    [[nodiscard]] unsigned pings() const;

    /// Throws std::out_of_range if there is no such request.
    [[nodiscard]] const received_request& request(stream_id id) const;

    /// Sends an informational response.
    void inform(stream_id id, const header_list& headers);
    /// Sends response headers. Without `end_stream`, data() and trailers() must follow.
    void respond(stream_id id, const header_list& headers, bool end_stream = false);
    void data(stream_id id, std::string_view bytes, bool end_stream = false);
    void trailers(stream_id id, const header_list& headers);
    void reset(stream_id id, http2::error_code code);
    void goaway(stream_id last_id, http2::error_code code, std::string_view debug = {});
    void ping(std::uint64_t opaque);
    /// Sends settings, pairs of id and value (RFC 9113 section 6.5.2).
    void settings(std::span<const std::pair<std::uint16_t, std::uint32_t>> values);
    /// Releases window for the client's bytes; for `manual_window`.
    void consume(stream_id id, std::size_t count);
    /// Sends these bytes unchanged, after everything that was queued before.
    void inject(std::string_view bytes);

    /// A setting that the client sent.
    [[nodiscard]] std::uint32_t client_setting(std::uint16_t id) const;
    /// The PING acknowledgements that were received.
    [[nodiscard]] const std::vector<std::uint64_t>& acknowledged() const;
    /// How many body bytes this server may still send: connection window, stream window.
    [[nodiscard]] std::int32_t connection_window() const;
    [[nodiscard]] std::int32_t stream_window(stream_id id) const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// The bytes of a frame (RFC 9113 section 4.1); nothing is checked.
[[nodiscard]] std::string raw_frame(std::uint8_t type, std::uint8_t flags, stream_id id, std::string_view payload = {});

/// Only the header of a frame, with any length.
[[nodiscard]] std::string raw_frame_header(std::size_t length, std::uint8_t type, std::uint8_t flags, stream_id id);

/// A header block of literals without indexing (RFC 7541 section 6.2.2). It does not change the
/// compression tables, so it can be sent between the blocks of a real session.
[[nodiscard]] std::string raw_block(const header_list& headers);

/// The four bytes of a number in network order.
[[nodiscard]] std::string big_endian(std::uint32_t value);

}  // namespace etcdsync::test
