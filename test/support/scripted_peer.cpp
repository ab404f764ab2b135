// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_peer.hpp"

#include "grpc/framing.hpp"

#include <boost/asio/buffer.hpp>

#include <utility>

namespace etcdsync::test {

scripted_peer::scripted_peer(test_loop& loop, std::unique_ptr<net::byte_stream> stream,
                             const http2_server_options& options)
    : state_(std::make_shared<state>(loop.executor(), std::move(stream), options)) {
    loop.tasks.spawn("reader of a scripted peer", read_loop(state_));
    loop.tasks.spawn("writer of a scripted peer", write_loop(state_));
}

scripted_peer::~scripted_peer() {
    close();
    // The hooks hold references into the test.
    state_->server.on_request = nullptr;
    state_->server.on_body = nullptr;
    state_->server.on_end = nullptr;
    state_->server.on_reset = nullptr;
}

void scripted_peer::close() {
    state_->over = true;
    state_->stream->close();
    state_->wants_write.notify();
}

aio::awaitable<> scripted_peer::read_loop(std::shared_ptr<state> self) {
    std::string into(16U << 10, '\0');
    while (!self->over) {
        const auto space = asio::buffer(into);
        const auto size = co_await self->stream->read_some(space);
        if (!size || *size == 0) break;
        self->server.feed(std::string_view(into.data(), *size));
        self->wants_write.notify();
    }
    self->over = true;
    self->stream->close();
    self->wants_write.notify();
}

aio::awaitable<> scripted_peer::write_loop(std::shared_ptr<state> self) {
    while (!self->over) {
        const std::string out = self->server.pull();
        if (out.empty()) {
            co_await self->wants_write.wait();
            continue;
        }
        const auto bytes = asio::buffer(out);
        const auto written = co_await self->stream->write(bytes);
        if (!written) break;
    }
}

void scripted_peer::begin(stream_id id) {
    server().respond(id, grpc_headers);
    flush();
}

void scripted_peer::message(stream_id id, std::string_view bytes) {
    server().data(id, grpc::frame(bytes));
    flush();
}

void scripted_peer::finish(stream_id id, int code, std::string_view text) {
    header_list trailers{{"grpc-status", std::to_string(code)}};
    if (!text.empty()) trailers.push_back({"grpc-message", std::string(text)});
    server().trailers(id, trailers);
    flush();
}

void scripted_peer::reply(stream_id id, std::string_view bytes) {
    begin(id);
    message(id, bytes);
    finish(id);
}

void scripted_peer::refuse(stream_id id, int code, std::string_view text) {
    header_list headers = grpc_headers;
    headers.push_back({"grpc-status", std::to_string(code)});
    headers.push_back({"grpc-message", std::string(text)});
    server().respond(id, headers, true);
    flush();
}

std::vector<std::string> scripted_peer::messages(stream_id id) const {
    return split_messages(state_->server.request(id).body);
}

scripted_channel::scripted_channel(const net::channel_options& options, const http2_server_options& server)
    : peer(loop, std::move(wire.server), server),
      channel(net::make_http2_channel(std::move(wire.client), {"http://peer:2379", "peer", 2379, nullptr, {}},
                                      loop.clock, loop.tasks, options)) {}

std::unique_ptr<net::call> scripted_channel::call(std::string_view message, const net::call_options& options) {
    auto out = channel->open("/s/m", options);
    out->send(grpc::frame(message), true);
    loop.settle();
    return out;
}

std::vector<std::string> split_messages(std::string_view body) {
    std::vector<std::string> out;
    while (body.size() >= grpc::prefix_size) {
        std::size_t length = 0;
        for (std::size_t i = 1; i < grpc::prefix_size; ++i) length = length << 8U | static_cast<unsigned char>(body[i]);
        if (body.size() - grpc::prefix_size < length) break;
        out.emplace_back(body.substr(grpc::prefix_size, length));
        body.remove_prefix(grpc::prefix_size + length);
    }
    return out;
}

}  // namespace etcdsync::test
