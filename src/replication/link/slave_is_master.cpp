// SPDX-License-Identifier: Apache-2.0
// Whether a slave whose ids are the master's is the master (design.md section 6).
#include "replication/link/link.hpp"
#include "replication/mapping/queries.hpp"

namespace etcdsync::replication {

aio::awaitable<etcd::result<bool>> link::is_the_master(slave_writer& slave) {
    // Ids alone prove nothing. What was just written on the slave, and stands on the master as well, does.
    const net::channel_options options = slave_connection();
    const auto channel = co_await master_.connect(options);
    if (!channel) co_return channel.error();
    etcd::kv master(*channel, context_->clock, master_.request_timeout());
    etcd::range_query query;
    query.key = settings_.checkpoint_key;
    const auto page = co_await master.range(query);
    if (page) co_return page->kvs.size() == 1 && page->kvs.front().value == slave.text();
    if (!etcd::is_permission_denied(page.error())) co_return page.error();
    co_return co_await moves_with(master, slave);
}

aio::awaitable<etcd::result<bool>> link::moves_with(etcd::kv& master, slave_writer& slave) {
    // Our user on the master sees no record. But a store that is both gets a revision more by the next claim, at that very number.
    const etcd::range_query query = probe_query(keys_.cover());
    const auto before = co_await master.range(query);
    if (!before) co_return before.error();
    const batch nothing(settings_.limits);
    const auto claimed = co_await slave.commit(nothing, slave.record(), settings_.limits.max_ops);
    if (!claimed) co_return claimed.error();
    const auto after = co_await master.range(query);
    if (!after) co_return after.error();
    co_return before->header.store_revision < slave.revision_of_record() &&
        slave.revision_of_record() <= after->header.store_revision;
}

}  // namespace etcdsync::replication
