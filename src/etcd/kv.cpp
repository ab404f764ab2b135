// SPDX-License-Identifier: Apache-2.0
#include "etcd/kv.hpp"

#include "base/escape.hpp"
#include "etcd/unary.hpp"
#include "grpc/framing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <rpc.pb.h>

namespace etcdsync::etcd {
namespace {

std::string encode(const range_query& query) {
    etcdserverpb::RangeRequest request;
    request.set_key(query.key);
    request.set_range_end(query.range_end);
    request.set_limit(query.limit);
    request.set_revision(query.at);
    request.set_serializable(query.serializable);
    request.set_keys_only(query.keys_only);
    request.set_count_only(query.count_only);
    request.set_min_mod_revision(query.modified_at);
    request.set_max_mod_revision(query.modified_at);
    if (query.newest_first) {
        request.set_sort_order(etcdserverpb::RangeRequest::DESCEND);
        request.set_sort_target(etcdserverpb::RangeRequest::MOD);
    }
    return grpc::frame(request.SerializeAsString());
}

/// For keys without values, a count, and the response to a Txn (dozens of bytes per write).
constexpr std::size_t max_response_without_values = 4U << 20;

/// For a Range without a limit, which only reads checkpoints.
constexpr std::size_t max_keys_without_limit = 10'000;

/// The most keys that a response to `query` may have.
std::size_t max_keys(const range_query& query) {
    if (query.range_end.empty()) return 1;
    return query.limit > 0 ? static_cast<std::size_t>(query.limit) : max_keys_without_limit;
}

net::call_options options_for(aio::clock::duration timeout, const range_query& query) {
    if (query.byte_budget == net::call::whole) {
        const bool no_values = query.keys_only || query.count_only;
        const std::size_t limit = no_values ? max_response_without_values : net::default_max_message;
        return unary_options(timeout, std::min(limit, query.max_response));
    }
    constexpr std::size_t last_frames = 128U << 10;  // received before the stream is reset
    net::call_options options = unary_options(timeout);
    options.max_message = std::size_t{1} << 31;  // no limit, because the rest is not read
    options.expected_message = query.byte_budget + last_frames;
    return options;
}

/// What arrived of a page before its connection broke, or before it took too long, is a smaller page. On a line that breaks often
/// no whole page may ever arrive. Nothing if no key is complete.
std::optional<range_page> part_before_end(const range_query& query, net::call& call) {
    const bool is_page = query.byte_budget != net::call::whole;
    const grpc::origin ended_by = call.status().from;
    const bool by_the_line = ended_by == grpc::origin::connection || ended_by == grpc::origin::deadline;
    if (!is_page || !by_the_line || !call.inside_message()) return std::nullopt;
    auto part = decode_range_part(call.take(), max_keys(query));
    if (!part || part->kvs.empty() || !check_page(query, *part).empty()) return std::nullopt;
    return part;
}

}  // namespace

std::string check_page(const range_query& query, const range_page& page) {
    constexpr std::int64_t max_count = std::int64_t{1} << 40;  // a million times what etcd holds
    // A checkpoint may hold the key, in an encoding of several times its size.
    constexpr std::size_t max_key_size = 1U << 20;
    if (!is_possible(page.header.store_revision)) return "a page has an impossible revision";
    if (page.count < 0 || page.count > max_count) return "a page reports an impossible number of keys";
    if (page.kvs.size() > max_keys(query)) return "a page has more keys than requested";
    if (page.more && page.kvs.empty()) return "a page announces more keys but has none";
    const bool open_end = query.range_end == std::string_view("\0", 1);
    std::string_view previous;
    for (const key_value& kv : page.kvs) {
        if (kv.key.empty() || (!previous.empty() && kv.key <= previous)) return "a page is not in key order";
        if (kv.key.size() > max_key_size) return "a page has a key of more than 1 MiB";
        const bool inside = kv.key >= query.key &&
                            (query.range_end.empty() ? kv.key == query.key : open_end || kv.key < query.range_end);
        if (!inside) return fmt::format("a page has the key {}, outside the requested range", base::printable(kv.key));
        if (!is_possible(kv.mod_revision) || kv.create_revision <= 0 || kv.create_revision > kv.mod_revision)
            return "a key has impossible revisions";
        if (query.modified_at > 0 && kv.mod_revision != query.modified_at)
            return "a page has a key of another revision than requested";
        if (query.at > 0 && kv.mod_revision > query.at) return "a page has a later revision than requested";
        previous = kv.key;
    }
    return {};
}

aio::awaitable<result<range_page>> kv::range(range_query query) {
    const std::uint64_t access = channel_->credentials_generation();
    range_query again = query;
    auto page = co_await send_range(std::move(query));
    if (page || page.error().cls != error_class::reauthenticate) co_return page;
    const bool renewed = co_await channel_->renew_credentials(access);
    if (renewed) page = co_await send_range(std::move(again));
    co_return page;
}

aio::awaitable<result<range_page>> kv::send_range(range_query query) {
    const net::call_options options = options_for(timeout_, query);
    const auto call = channel_->open("/etcdserverpb.KV/Range", options);
    call->send(encode(query), true);
    const auto progress = co_await call->receive(query.byte_budget);
    if (progress == net::call::progress::ended) {
        auto arrived = part_before_end(query, *call);
        if (arrived) co_return std::move(*arrived);
        if (call->status().ok()) co_return bad_response(peer(), "no response to a Range");
        co_return to_error(call->status(), peer());
    }
    const bool partial = progress == net::call::progress::partial;
    std::string message = call->take();
    const std::size_t limit = max_keys(query);
    auto page = partial ? decode_range_part(std::move(message), limit) : decode_range(std::move(message), limit);
    if (!page) co_return bad_response(peer(), "the response to a Range is malformed");
    if (partial && page->kvs.empty()) {
        // The first key alone exceeds the budget: read that key, whatever its size.
        query.limit = 1;
        query.byte_budget = net::call::whole;
        co_return co_await send_range(std::move(query));
    }
    std::string wrong = check_page(query, *page);
    if (!wrong.empty()) co_return bad_response(peer(), wrong);
    if (!partial) {
        auto failed = co_await read_status(*call, peer());
        if (failed) co_return std::move(*failed);
    }
    co_return std::move(*page);
}

aio::awaitable<result<txn_response>> kv::send_txn(std::string framed) {
    const net::call_options options = unary_options(timeout_, max_response_without_values);
    auto answer = co_await unary(*channel_, "/etcdserverpb.KV/Txn", std::move(framed), options);
    if (!answer) co_return answer.error();
    auto response = decode_txn(std::move(*answer));
    if (!response) co_return bad_response(peer(), "the response to a Txn is malformed");
    if (response->succeeded && (response->responses == 0 || response->header.store_revision <= 0 ||
                                !is_possible(response->header.store_revision))) {
        co_return bad_response(peer(), "the response to a Txn reports success without results or revision");
    }
    co_return std::move(*response);
}

aio::awaitable<result<txn_response>> kv::txn(const std::function<std::string()>& encode_framed) {
    const std::uint64_t access = channel_->credentials_generation();
    auto response = co_await send_txn(encode_framed());
    if (response || response.error().cls != error_class::reauthenticate) co_return response;
    const bool renewed = co_await channel_->renew_credentials(access);
    if (renewed) response = co_await send_txn(encode_framed());
    co_return response;
}

}  // namespace etcdsync::etcd
