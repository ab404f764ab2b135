// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/framing.hpp"
#include "grpc/status.hpp"
#include "http2/session.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::grpc {

/// The headers of a request (PROTOCOL-HTTP2.md "Requests"). They are views of the arguments.
[[nodiscard]] std::vector<http2::header_view> request_headers(std::string_view path, std::string_view authority,
                                                              bool tls, std::span<const http2::header_view> metadata);

/// Decodes the percent-encoding of grpc-message. Invalid escapes are kept as they are.
[[nodiscard]] std::string decode_message(std::string_view encoded);

/// The state of one call on the client side: HTTP/2 events in, message pieces and the final status
/// out. It accepts trailers in both forms that etcd uses (Trailers-Only, and headers followed by
/// trailers). Whatever a peer without gRPC sends becomes a status that describes it. No session, no
/// time.
class call_state {
public:
    explicit call_state(std::size_t max_message) : deframer_(max_message) {}

    void on_headers(const std::vector<http2::header>& headers, bool end_stream);
    void on_data(std::string_view bytes, message_sink& sink);
    void on_close(http2::error_code code, bool unprocessed);

    /// Ends the call from our side: deadline, cancellation, broken connection. Ignored if the call
    /// has a status already.
    void finish(status s);

    /// Set when the call is over. It does not change after that: an RST_STREAM after the trailers
    /// is normal.
    [[nodiscard]] const std::optional<status>& final_status() const { return final_; }

    /// True while a message has arrived only in part.
    [[nodiscard]] bool inside_message() const { return !deframer_.at_boundary(); }

private:
    void take_trailers(const std::vector<http2::header>& headers);

    deframer deframer_;
    bool headers_seen_ = false;
    std::optional<status> final_;
};

}  // namespace etcdsync::grpc
