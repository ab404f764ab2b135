// SPDX-License-Identifier: Apache-2.0
#include "etcd/unary.hpp"

#include <fmt/format.h>

#include <utility>

namespace etcdsync::etcd {
namespace {

std::string told(const grpc::status& status, const net::endpoint& peer) {
    if (status.message.starts_with(peer.name())) return status.message;  // a broken connection says where already
    if (status.from != grpc::origin::server) return fmt::format("{}: {}", peer.name(), status.message);
    return fmt::format("{}: {} ({})", peer.name(), status.message, grpc::to_string(status.value));
}

}  // namespace

error to_error(const grpc::status& status, const net::endpoint& peer) {
    return {classify(status), told(status, peer) + std::string(advice_for(status.message))};
}

error bad_answer(const net::endpoint& peer, std::string_view what) {
    return {error_class::bad_peer, fmt::format("{}: {}", peer.name(), what)};
}

net::call_options unary_options(aio::clock::time_point deadline, std::size_t max_answer) {
    net::call_options options;
    options.deadline = deadline;
    options.max_message = max_answer;
    options.expected_message = max_answer;  // room takes no memory before something comes into it
    options.metadata.push_back({"hasleader", "true", false});
    return options;
}

aio::awaitable<std::optional<error>> end_of(net::call& call, const net::endpoint& peer) {
    const auto progress = co_await call.receive(net::call::whole);
    if (progress != net::call::progress::ended) co_return bad_answer(peer, "two answers to one request");
    const grpc::status& status = call.status();
    if (status.ok()) co_return std::nullopt;
    co_return to_error(status, peer);
}

aio::awaitable<result<std::string>> unary(net::channel& on, std::string_view path, std::string framed,
                                          const net::call_options& options) {
    const auto call = on.open(path, options);
    call->send(std::move(framed), true);
    const auto progress = co_await call->receive(net::call::whole);
    if (progress == net::call::progress::ended) {
        if (call->status().ok()) co_return bad_answer(on.peer(), "no answer to a request");
        co_return to_error(call->status(), on.peer());
    }
    std::string message = call->take();
    auto failed = co_await end_of(*call, on.peer());
    if (failed) co_return std::move(*failed);
    co_return result<std::string>(boost::system::in_place_value, std::move(message));
}

}  // namespace etcdsync::etcd
