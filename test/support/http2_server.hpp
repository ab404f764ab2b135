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

/// The other side of an HTTP/2 connection for tests: an nghttp2 server session, bytes in and bytes out, no sockets.
namespace etcdsync::test {

using http2::header;
using http2::stream_id;
using header_list = std::vector<header>;

/// A request as the server saw it so far.
struct seen_request {
    header_list headers;
    std::string body;
    bool ended = false;                      ///< END_STREAM came
    std::optional<http2::error_code> reset;  ///< the client's RST_STREAM
    bool closed = false;                     ///< both sides are done

    /// "" where there is none.
    [[nodiscard]] std::string value(std::string_view name) const;
};

struct http2_server_options {
    std::uint32_t stream_window = 65535;
    std::uint32_t max_frame_size = 16384;
    std::uint32_t max_concurrent_streams = 100;
    bool manual_window = false;  ///< the client's bytes are credited by consume() only
};

class http2_server {
public:
    explicit http2_server(const http2_server_options& options = {});
    ~http2_server();
    http2_server(http2_server&&) = delete;

    /// Takes the client's bytes; throws std::runtime_error where the client breaks HTTP/2.
    void feed(std::string_view bytes);

    /// All bytes that may be sent now.
    [[nodiscard]] std::string pull();

    /// Hooks, called from inside feed(); they may answer at once (not feed() or pull()).
    std::function<void(stream_id)> on_request;                   ///< headers are whole
    std::function<void(stream_id, std::string_view)> on_body;    ///< some body came
    std::function<void(stream_id)> on_end;                       ///< END_STREAM came
    std::function<void(stream_id, http2::error_code)> on_reset;  ///< RST_STREAM came

    /// All requests by stream id; they stay after their end.
    [[nodiscard]] const std::map<stream_id, seen_request>& requests() const;

    /// Throws std::out_of_range where there is none.
    [[nodiscard]] const seen_request& request(stream_id id) const;

    /// An informational response.
    void inform(stream_id id, const header_list& headers);
    /// Response headers; without `end_stream` data() and trailers() follow.
    void respond(stream_id id, const header_list& headers, bool end_stream = false);
    void data(stream_id id, std::string_view bytes, bool end_stream = false);
    void trailers(stream_id id, const header_list& headers);
    void reset(stream_id id, http2::error_code code);
    void goaway(stream_id last_id, http2::error_code code, std::string_view debug = {});
    void ping(std::uint64_t opaque);
    /// Pairs of setting and value (RFC 9113 section 6.5.2).
    void settings(std::span<const std::pair<std::uint16_t, std::uint32_t>> values);
    /// Credits the client's bytes; for `manual_window`.
    void consume(stream_id id, std::size_t count);
    /// Bytes as they are, behind all that was queued before.
    void inject(std::string_view bytes);

    /// What the client told.
    [[nodiscard]] std::uint32_t client_setting(std::uint16_t id) const;
    /// PING acknowledgements seen.
    [[nodiscard]] const std::vector<std::uint64_t>& acknowledged() const;
    /// The body bytes this server may still send now: connection window, stream window.
    [[nodiscard]] std::int32_t connection_window() const;
    [[nodiscard]] std::int32_t stream_window(stream_id id) const;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

/// One frame as it goes over the wire (RFC 9113 section 4.1); nothing is checked.
[[nodiscard]] std::string raw_frame(std::uint8_t type, std::uint8_t flags, stream_id id, std::string_view payload = {});

/// As raw_frame(), but the length field lies.
[[nodiscard]] std::string raw_frame_head(std::size_t length, std::uint8_t type, std::uint8_t flags, stream_id id);

/// A header block of literals without indexing (RFC 7541 section 6.2.2): it leaves the tables alone, so that it fits
/// between the blocks of a real session.
[[nodiscard]] std::string raw_block(const header_list& headers);

[[nodiscard]] std::string big_endian(std::uint32_t value);

}  // namespace etcdsync::test
