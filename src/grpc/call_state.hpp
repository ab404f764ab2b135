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

/// The headers of a request (PROTOCOL-HTTP2.md "Requests"). Views into the arguments: use them at once.
[[nodiscard]] std::vector<http2::header_view> request_headers(std::string_view path, std::string_view authority,
                                                              bool tls, std::span<const http2::header_view> metadata);

/// Undoes percent-encoding of grpc-message; broken escapes stay as they are.
[[nodiscard]] std::string decode_message(std::string_view encoded);

/// One call as seen by the client: HTTP/2 events in; message pieces and, once, the final status out. Takes trailers in
/// both shapes etcd uses (Trailers-Only, and headers followed by trailers) and answers everything a non-gRPC peer may
/// send with a status that says what it was. Pure: no session, no time.
class call_state {
public:
    explicit call_state(std::size_t max_message) : deframer_(max_message) {}

    void on_headers(const std::vector<http2::header>& headers, bool end_stream);
    void on_data(std::string_view bytes, message_sink& sink);
    void on_close(http2::error_code code, bool unprocessed);

    /// Ends the call from our side: deadline, cancellation, broken connection. Ignored where a status stands already.
    void finish(status s);

    /// Set once the call is over; it never changes after that (an RST_STREAM behind the trailers is normal).
    [[nodiscard]] const std::optional<status>& final_status() const { return final_; }

    /// A message has begun to arrive and is not whole.
    [[nodiscard]] bool inside_message() const { return !deframer_.at_boundary(); }

private:
    void take_trailers(const std::vector<http2::header>& headers);

    deframer deframer_;
    bool headers_seen_ = false;
    std::optional<status> final_;
};

}  // namespace etcdsync::grpc
