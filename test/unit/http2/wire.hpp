// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/session.hpp"
#include "support/http2_server.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::http2 {

using test::header_list;
using test::http2_server;
using test::raw_block;
using test::raw_frame;

/// Frame types and flags of RFC 9113 section 6.
namespace type {
inline constexpr std::uint8_t data = 0, headers = 1, priority = 2, rst_stream = 3, settings = 4, push_promise = 5,
                              ping = 6, goaway = 7, window_update = 8, continuation = 9, altsvc = 10;
}
namespace flag {
inline constexpr std::uint8_t none = 0, end_stream = 1, ack = 1, end_headers = 4, padded = 8;
}

/// Records the events of a session, one line per event; consecutive body pieces of a stream share a
/// line.
class recorder : public events {
public:
    session* client = nullptr;
    bool consumes = true;  ///< releases body bytes at once
    std::vector<std::string> log;
    std::map<stream_id, std::string> bodies;
    std::map<stream_id, std::size_t> unreleased;  ///< bytes delivered and not consumed
    std::function<void(stream_id, bool)> headers_hook;
    std::function<void(stream_id)> data_hook;
    std::function<void(stream_id)> close_hook;

    void on_headers(stream_id id, const std::vector<header>& headers, bool end_stream) override;
    void on_data(stream_id id, std::string_view bytes) override;
    void on_close(stream_id id, error_code code, bool unprocessed) override;
    void on_goaway(error_code code, std::string_view debug_data) override;
    void on_ping_ack(std::uint64_t opaque) override;

    void release(stream_id id);
    [[nodiscard]] bool has(std::string_view line) const;

private:
    stream_id data_line_ = 0;
};

/// A client session whose peer is only bytes.
struct lone_client {
    explicit lone_client(const session_options& options = {}) : client(sink, options) { sink.client = &client; }

    recorder sink;
    session client;

    stream_id call(std::string_view path = "/s/m");
    std::string pull();
    /// Returns the error text, or "" on success.
    std::string feed(std::string_view bytes);
    /// Feeds the empty SETTINGS frame that every server starts with.
    void send_settings();
};

/// A client session and a real server session.
struct wire : lone_client {
    explicit wire(const session_options& options = {}, const test::http2_server_options& peer = {})
        : lone_client(options), server(peer) {}

    http2_server server;

    /// Carries bytes in both directions until there are no more.
    void pump();
};

inline const header_list ok_headers = {{":status", "200"}, {"content-type", "application/grpc"}};
inline const header_list ok_trailers = {{"grpc-status", "0"}};

/// The payloads of all frames of a type in `bytes`, which the client sent.
[[nodiscard]] std::vector<std::string> payloads(std::string_view bytes, std::uint8_t frame_type);

}  // namespace etcdsync::http2
