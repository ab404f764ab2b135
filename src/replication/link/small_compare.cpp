// SPDX-License-Identifier: Apache-2.0
#include "replication/link/small_compare.hpp"

#include "replication/compare/comparison.hpp"
#include "replication/compare/page_reader.hpp"
#include "replication/mapping/queries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

using step_kind = comparison::step_kind;

constexpr std::size_t small_bytes = 1U << 20;  ///< of one side
constexpr std::int64_t small_count = 20'000;   ///< more keys than this are not small, whatever their values
constexpr unsigned max_attempts = 3;
constexpr std::size_t max_examples = 5;

}  // namespace

bool small_compare::is_due() const {
    if (parts_.once || !parts_.source.connected() || state_.connection == parts_.source.connections()) return false;
    const mapping& keys = parts_.keys;
    const std::int64_t known = session_->position().count.value_or(0);
    if (!parts_.full_sync_permits.has_free()) return false;  // it never waits for one: a free permit wakes the link
    return known <= small_count && keys.segments().size() <= most_segments_to_count;
}

void small_compare::note_compared() {
    state_.connection = parts_.source.connections();
    state_.attempts = 0;
}

aio::awaitable<step_result> small_compare::run_if_due() {
    if (!is_due()) co_return end_reason::done;
    const auto permit = parts_.full_sync_permits.try_take();
    bytes_ = 0;
    differences_ = 0;
    examples_.clear();
    const std::uint64_t connection = parts_.source.connections();
    const auto compared = co_await compare_all();
    if (auto end = session_->interrupted()) co_return std::move(*end);
    if (auto end = session_->broken()) {
        if (++state_.attempts >= max_attempts) note_compared();
        co_return std::move(*end);
    }
    if (compared || ++state_.attempts >= max_attempts) {
        state_.connection = connection;
        state_.attempts = 0;
    }
    if (differences_ == 0) co_return end_reason::done;
    const std::string what =
        fmt::format("{} keys differ that the master did not change: {}", differences_, listed(examples_));
    co_return step_result(end_reason::drifted, etcd::error(etcd::error_class::retry, what));
}

aio::awaitable<etcd::result<void>> small_compare::compare_all() {
    const net::channel_options options = page_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return channel.error();
    etcd::kv master(*channel, parts_.with.clock, parts_.master.request_timeout());
    const etcd::range_query query = probe_query(parts_.keys.cover());
    const auto now = co_await master.range(query);
    if (!now) co_return now.error();
    for (const segment& part : parts_.keys.segments()) {
        if (gives_up()) break;
        auto compared = co_await compare_segment(master, part, now->header.store_revision);
        if (!compared) co_return compared;
    }
    (*channel)->close();
    co_return etcd::result<void>();
}

aio::awaitable<etcd::result<void>> small_compare::compare_segment(etcd::kv& master, const segment& where, revision at) {
    comparison both(parts_.keys, where, where.target.begin, false);
    page_reader::options how;
    how.page_bytes = std::min(parts_.page_bytes, small_bytes);
    page_reader slave_pages(session_->writer().kv(), parts_.with.tasks, where.target, how);
    how.at = at;
    page_reader master_pages(master, parts_.with.tasks, where.source, how);
    while (!gives_up()) {
        const comparison::step step = both.next();
        if (step.what == step_kind::done) break;
        if (step.what == step_kind::need_master) {
            auto page = co_await master_pages.next(both.master_from());
            if (!page) co_return page.error();
            count(*page);
            both.add_master(std::move(*page));
        } else if (step.what == step_kind::need_slave) {
            auto page = co_await slave_pages.next(both.slave_from());
            if (!page) co_return page.error();
            count(*page);
            both.add_slave(std::move(*page));
        } else if (step.what != step_kind::slave_only && step.mod_revision <= session_->position().rev) {
            ++differences_;
            if (examples_.size() < max_examples) examples_.emplace_back(step.key);
        }
    }
    co_return etcd::result<void>();
}

bool small_compare::gives_up() const { return bytes_ > 2 * small_bytes || session_->interrupted(); }

void small_compare::count(const etcd::range_page& page) {
    for (const etcd::key_value& kv : page.kvs) bytes_ += kv.key.size() + kv.value.size();
}

}  // namespace etcdsync::replication
