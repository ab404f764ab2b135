// SPDX-License-Identifier: Apache-2.0
#include "replication/proof.hpp"

#include "replication/history.hpp"

#include <fmt/format.h>

#include <utility>

namespace etcdsync::replication {
namespace {

/// Reads until E's events were seen and compared. The error says why that did not come about.
aio::awaitable<etcd::result<std::string>> replay_witness(std::shared_ptr<net::channel> on, const context& with,
                                                         aio::clock::duration timeout, const mapping& keys,
                                                         history::start from) {
    history source(std::move(on), with, timeout, keys.cover(), from,
                   [&keys](std::string_view key) { return keys.rule_of(key).has_value(); });
    std::deque<log_entry> unused;
    while (!source.proved()) {
        const auto read = co_await source.read(unused);
        if (!read) co_return read.error();
        unused.clear();
    }
    co_return source.event_digest();
}

/// What the header of a linearizable answer tells against the record; empty: nothing.
std::string contradiction(const etcd::response_header& header, const checkpoint& record) {
    if (header.cluster_id != record.cluster_id) {
        return fmt::format("the master is cluster {:x}, the checkpoint is of cluster {:x}", header.cluster_id,
                           record.cluster_id);
    }
    if (header.store_revision < record.rev) {
        return fmt::format(
            "the master is at revision {}, the checkpoint of the slave is at {}: the master was wiped or restored",
            header.store_revision, record.rev);
    }
    return {};
}

}  // namespace

aio::awaitable<etcd::result<proof>> prove_history(std::shared_ptr<net::channel> on, const context& with,
                                                  aio::clock::duration timeout, const mapping& keys,
                                                  const checkpoint& record) {
    proof out;
    etcd::kv kv(on, with.clock, timeout);
    const etcd::range_query query = probe_query(keys.cover());
    const auto page = co_await kv.range(query);
    if (!page) co_return page.error();
    out.reason = contradiction(page->header, record);
    if (!out.reason.empty()) {
        out.found = proof::verdict::other;
        co_return out;
    }
    if (record.rules != keys.digest() || record.event_revision == 0 || record.event_digest.empty()) {
        out.reason = record.rules != keys.digest() ? "the rules changed"
                                                   : "no revision is known that would prove the master's history";
        co_return out;
    }
    history::start from;
    from.known = record.rev;
    from.last_event = record.event_revision;
    from.event_digest = record.event_digest;
    const auto seen = co_await replay_witness(on, with, timeout, keys, from);
    if (seen) {
        out.found = proof::verdict::same;
        co_return out;
    }
    const etcd::error& why = seen.error();
    out.reason = why.text;
    if (why.cls == etcd::error_class::other_history) {
        out.found = proof::verdict::other;
        out.reason += ": the master was wiped, restored or exchanged";
    } else if (why.cls != etcd::error_class::compacted) {
        co_return why;
    }
    co_return out;
}

aio::awaitable<std::string> learn_event_digest(std::shared_ptr<net::channel> on, const context& with,
                                               aio::clock::duration timeout, const mapping& keys, revision rev) {
    history::start from;
    from.known = rev;
    from.last_event = rev;
    const auto seen = co_await replay_witness(std::move(on), with, timeout, keys, from);
    if (!seen) co_return std::string();
    co_return *seen;
}

}  // namespace etcdsync::replication
