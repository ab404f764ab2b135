// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/page_reader.hpp"

#include "replication/mapping/queries.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace etcdsync::replication {

namespace {

/// The number of keys of the first page: few, where little shall be read.
std::int64_t first_limit(const page_reader::options& how) {
    constexpr std::size_t usual_size = 2U << 10;
    const std::size_t bytes = how.first_page_bytes > 0 ? how.first_page_bytes : how.page_bytes;
    return static_cast<std::int64_t>(std::clamp<std::size_t>(bytes / usual_size, 1, 128));
}

}  // namespace

struct page_reader::prefetch {
    prefetch(const etcd::kv& from, etcd::range_query what, const aio::asio::any_io_executor& executor)
        : kv(from), query(std::move(what)), done(executor) {}
    etcd::kv kv;
    etcd::range_query query;
    std::optional<etcd::result<etcd::range_page>> page;
    bool abandoned = false;
    aio::event done;
};

page_reader::page_reader(etcd::kv& from, aio::task_group& tasks, keys::key_range range, const options& how)
    : kv_(&from), tasks_(&tasks), range_(std::move(range)), options_(how), limit_(first_limit(how)) {}

page_reader::~page_reader() {
    if (prefetch_) prefetch_->abandoned = true;
}

etcd::range_query page_reader::query(const std::string& key) const {
    const wire_range wire(keys::key_range{key, range_.end});
    etcd::range_query query;
    query.key = wire.key;
    query.range_end = wire.range_end;
    query.limit = limit_;
    query.at = options_.at;
    query.keys_only = options_.keys_only;
    query.byte_budget = options_.page_bytes;
    if (first_ && options_.first_page_bytes > 0) query.byte_budget = options_.first_page_bytes;
    // Content at a pinned revision does not change, so any member may answer after one is known to
    // have reached it.
    query.serializable = options_.at != 0 && !first_;
    return query;
}

void page_reader::learn(const etcd::range_page& page) {
    if (page.kvs.empty()) return;
    const std::size_t bytes_per_key = page.owner->size() / page.kvs.size() + 1;
    const auto fitting = static_cast<std::int64_t>(options_.page_bytes / bytes_per_key);
    limit_ = std::clamp<std::int64_t>(fitting, 1, std::min(limit_ * 2, most_));
}

bool page_reader::may_help_to_shrink(const etcd::error& why) const {
    // A broken connection gives this class, too; a smaller page does not help then.
    return why.cls == etcd::error_class::ambiguous && limit_ > 1 && kv_->usable();
}

void page_reader::shrink() {
    most_ = std::max<std::int64_t>(1, limit_ / 2);
    limit_ = std::max<std::int64_t>(1, limit_ / 4);
}

aio::awaitable<> page_reader::read_ahead(std::shared_ptr<prefetch> into) {
    auto page = co_await into->kv.range(into->query);
    if (!into->abandoned) into->page = std::move(page);
    into->done.notify();
}

void page_reader::start_read(const std::string& key) {
    prefetch_ = std::make_shared<prefetch>(*kv_, query(key), tasks_->executor());
    tasks_->spawn("page reader", read_ahead(prefetch_));
}

aio::awaitable<etcd::result<etcd::range_page>> page_reader::finish() {
    const std::shared_ptr<prefetch> reading = std::exchange(prefetch_, nullptr);
    while (!reading->page) co_await reading->done.wait();
    co_return std::move(*reading->page);
}

aio::awaitable<etcd::result<etcd::range_page>> page_reader::next(const std::string& key) {
    if (!prefetch_ || prefetch_->query.key != wire_range(keys::key_range{key, {}}).key) start_read(key);
    auto page = co_await finish();
    if (!page && may_help_to_shrink(page.error())) {
        shrink();
        start_read(key);
        page = co_await finish();
    }
    if (!page) co_return page;
    first_ = false;
    learn(*page);
    if (page->more) start_read(std::string(page->kvs.back().key).append(1, '\0'));
    co_return page;
}

net::channel_options page_connection() {
    net::channel_options options;
    options.http2.stream_window = 1U << 20;
    options.http2.connection_window = 4U << 20;
    return options;
}

std::size_t page_bytes(const config::replication& replicate) {
    constexpr std::uint64_t pages_held = 6;  // four by a full sync, two of each side; two by a catch-up
    constexpr std::uint64_t least = 64U << 10;
    const std::uint64_t left = replicate.memory_limit.value - replicate.log_limit.value;
    return std::max(least, left / (pages_held * replicate.full_sync_parallel));
}

}  // namespace etcdsync::replication
