// SPDX-License-Identifier: Apache-2.0
#include "replication/link/leader_client.hpp"

#include "etcd/txn.hpp"
#include "replication/record/checkpoint.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Data on a slave is not trusted.
constexpr std::size_t max_leader_bytes = 64U << 10;
constexpr std::size_t max_position_bytes = 4U << 20;

/// Who wrote a position.
position_view::writers writer_of(std::string_view text, std::string_view us) {
    const auto record = parse_position(text);
    // Whoever wrote what cannot be read may still be at work.
    if (!record) return position_view::writers::others;
    if (record->writer.empty()) return position_view::writers::none;
    return record->writer == us ? position_view::writers::this_process : position_view::writers::others;
}

}  // namespace

bool is_refusal(etcd::error_class cls) {
    switch (cls) {
        case etcd::error_class::denied:
        case etcd::error_class::no_space:
        case etcd::error_class::bad_request:
        case etcd::error_class::unsupported: return true;
        default: return false;
    }
}

/// A watch with what it needs, until it has ended.
struct leader_client::watched {
    watched(std::shared_ptr<net::channel> to, const etcd::watch_query& query, std::function<void()> call)
        : channel(std::move(to)), stream(*channel, query), listener(std::move(call)) {}

    std::shared_ptr<net::channel> channel;
    etcd::watch_stream stream;
    std::function<void()> listener;  ///< empty after the client has gone
    bool ended = false;
};

leader_client::leader_client(std::shared_ptr<net::channel> on, const context& with, std::chrono::milliseconds timeout,
                             const leader_settings& settings, held_lease& lease)
    : kv_(on, with.clock, timeout), leases_(std::move(on), with.clock, timeout), with_(with), timeout_(timeout),
      settings_(settings), lease_(lease) {}

leader_client::~leader_client() {
    if (!watch_) return;
    watch_->listener = nullptr;
    watch_->stream.cancel();
}

aio::awaitable<etcd::result<leader_view>> leader_client::read_key() {
    etcd::range_query query;
    query.key = settings_.key;
    query.max_response = max_leader_bytes;
    leader_view out;
    out.asked = with_.clock.now();
    const auto page = co_await kv_.range(std::move(query));
    if (!page) co_return page.error();
    out.answered = with_.clock.now();
    out.store_revision = page->header.store_revision;
    if (!page->kvs.empty()) {
        out.mod_revision = page->kvs.front().mod_revision;
        out.value = page->kvs.front().value;
        out.exists = true;
    }
    co_return out;
}

aio::awaitable<etcd::result<position_view>> leader_client::read_positions() {
    position_view out;
    out.asked = with_.clock.now();
    etcd::range_query query;
    query.key = settings_.positions.begin;
    query.range_end = settings_.positions.end;
    query.max_response = max_position_bytes;
    const auto page = co_await kv_.range(std::move(query));
    if (!page) co_return page.error();
    for (const etcd::key_value& position : page->kvs) {
        out.newest = std::max(out.newest, position.mod_revision);
        out.by = std::max(out.by, writer_of(position.value, with_.writer));
    }
    co_return out;
}

aio::awaitable<std::optional<etcd::error>> leader_client::grant() {
    const auto granted = co_await leases_.grant(leader_lease);
    if (!granted) co_return granted.error();
    lease_.id = granted->id;
    lease_.ttl = granted->ttl;
    lease_.next_renewal = with_.clock.now() + lease_.ttl / 3;
    co_return std::nullopt;
}

aio::awaitable<etcd::result<bool>> leader_client::put(leader_view seen, std::string value) {
    if (lease_.id == 0) {
        auto failed = co_await grant();
        if (failed) co_return std::move(*failed);
    }
    etcd::guard before;
    before.key = settings_.key;
    before.mod_revision = seen.mod_revision;
    before.value = seen.value;
    const std::function<std::string()> encode_framed = [&] {
        return etcd::encode_leased_put(before, value, lease_.id);
    };
    const auto answer = co_await kv_.txn(encode_framed);
    if (answer) co_return answer->succeeded;
    if (answer.error().cls != etcd::error_class::lease_not_found) co_return answer.error();
    lease_.id = 0;
    co_return false;
}

aio::awaitable<std::optional<etcd::error>> leader_client::renew() {
    lease_.next_renewal = with_.clock.now() + lease_.ttl / 3;
    if (renewed_ != lease_.id) {
        renewal_ = std::make_unique<etcd::lease_renewal>(kv_.channel(), with_.clock, timeout_, lease_.id);
        renewed_ = lease_.id;
    }
    const auto renewed = co_await renewal_->renew();
    if (renewed) co_return std::nullopt;
    if (renewed.error().cls != etcd::error_class::lease_not_found) co_return renewed.error();
    lease_.id = 0;
    co_return std::nullopt;
}

aio::awaitable<std::optional<etcd::error>> leader_client::revoke() {
    if (lease_.id == 0) co_return std::nullopt;
    const auto revoked = co_await leases_.revoke(lease_.id);
    if (!revoked) co_return revoked.error();
    lease_.id = 0;
    co_return std::nullopt;
}

void leader_client::watch(revision from, std::function<void()> listener) {
    if (is_watching()) return;
    if (with_.clock.now() < next_watch_) return;
    next_watch_ = with_.clock.now() + with_.probe_interval;
    etcd::watch_query query;
    query.key = settings_.key;
    query.start_revision = from + 1;
    watch_ = std::make_shared<watched>(kv_.channel(), query, std::move(listener));
    with_.tasks.spawn("watch of the leader key", read_watch(watch_));
}

bool leader_client::is_watching() const { return watch_ && !watch_->ended; }

aio::awaitable<> leader_client::read_watch(std::shared_ptr<watched> of) {
    for (;;) {
        const auto message = co_await of->stream.next();
        if (!message || message->what == etcd::watch_message::kind::compacted) break;
        if (message->what == etcd::watch_message::kind::events && of->listener) of->listener();
    }
    of->ended = true;
    if (of->listener) of->listener();
}

}  // namespace etcdsync::replication
