// SPDX-License-Identifier: Apache-2.0
#include "etcd/unary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace etcdsync::etcd {
namespace {

std::string description(const grpc::status& status, const net::endpoint& peer) {
    // The text of a broken connection has the name of the peer already.
    if (status.message.starts_with(peer.name())) return status.message;
    if (status.from != grpc::origin::server) return fmt::format("{}: {}", peer.name(), status.message);
    return fmt::format("{}: {} ({})", peer.name(), status.message, grpc::to_string(status.value));
}

}  // namespace

error to_error(const grpc::status& status, const net::endpoint& peer) {
    return {classify(status), description(status, peer) + std::string(advice_for(status.message))};
}

error bad_response(const net::endpoint& peer, std::string_view what) {
    return {error_class::bad_peer, fmt::format("{}: {}", peer.name(), what)};
}

net::call_options unary_options(aio::clock::duration timeout, std::size_t max_response) {
    // A request that etcd has received is answered within 7 s, even if only with "request timed out" (etcd-wire.md section 6).
    constexpr std::chrono::seconds least_for_answer{10};
    net::call_options options;
    options.patience = net::call_patience{timeout, std::max<aio::clock::duration>(timeout, least_for_answer)};
    options.max_message = max_response;
    options.expected_message = max_response;  // takes no memory before bytes arrive
    options.metadata.push_back({"hasleader", "true", false});
    return options;
}

aio::awaitable<std::optional<error>> read_status(net::call& call, const net::endpoint& peer) {
    const auto progress = co_await call.receive(net::call::whole);
    if (progress != net::call::progress::ended) co_return bad_response(peer, "two responses to one request");
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
        if (call->status().ok()) co_return bad_response(on.peer(), "no response to a request");
        co_return to_error(call->status(), on.peer());
    }
    std::string message = call->take();
    auto failed = co_await read_status(*call, on.peer());
    if (failed) co_return std::move(*failed);
    co_return result<std::string>(boost::system::in_place_value, std::move(message));
}

}  // namespace etcdsync::etcd
