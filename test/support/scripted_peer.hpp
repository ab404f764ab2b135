// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/http2_channel.hpp"
#include "support/fake_clock.hpp"
#include "support/http2_server.hpp"
#include "support/memory_stream.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// An http2_server on a byte stream, which runs in the loop of a test.
class scripted_peer {
public:
    scripted_peer(test_loop& loop, std::unique_ptr<net::byte_stream> stream, const http2_server_options& options = {});
    ~scripted_peer();
    scripted_peer(const scripted_peer&) = delete;
    scripted_peer& operator=(const scripted_peer&) = delete;

    /// The server. Its hooks may respond at once; call flush() after any other use.
    [[nodiscard]] http2_server& server() { return state_->server; }
    void flush() { state_->wants_write.notify(); }

    /// Closes the connection from the server's side, after the bytes that were written.
    void close();

    /// The parts of a gRPC response: begin() sends the headers, message() one message, finish() the
    /// trailers.
    void begin(stream_id id);
    void message(stream_id id, std::string_view bytes);
    void finish(stream_id id, int code = 0, std::string_view text = {});

    /// Sends a complete unary response.
    void reply(stream_id id, std::string_view bytes);
    /// Sends a status without a message, as etcd does (Trailers-Only).
    void refuse(stream_id id, int code, std::string_view text);

    /// The messages that have arrived in the body of a request, without their prefixes.
    [[nodiscard]] std::vector<std::string> messages(stream_id id) const;

private:
    struct state {
        state(asio::any_io_executor executor, std::unique_ptr<net::byte_stream> s, const http2_server_options& options)
            : stream(std::move(s)), server(options), wants_write(std::move(executor)) {}
        std::unique_ptr<net::byte_stream> stream;
        http2_server server;
        aio::event wants_write;
        bool over = false;
    };
    static aio::awaitable<> read_loop(std::shared_ptr<state> self);
    static aio::awaitable<> write_loop(std::shared_ptr<state> self);

    std::shared_ptr<state> state_;
};

inline const header_list grpc_headers = {{":status", "200"}, {"content-type", "application/grpc"}};

/// A channel that is connected to a scripted peer.
struct scripted_channel {
    explicit scripted_channel(const net::channel_options& options = {}, const http2_server_options& server = {});

    /// Opens a call without metadata and sends one message.
    [[nodiscard]] std::unique_ptr<net::call> call(std::string_view message = "question",
                                                  const net::call_options& options = {});

    test_loop loop;
    memory_connection wire{loop.executor()};
    scripted_peer peer;
    std::shared_ptr<net::channel> channel;
};

/// Splits a body into its messages; an incomplete one at the end is dropped.
[[nodiscard]] std::vector<std::string> split_messages(std::string_view body);

}  // namespace etcdsync::test
