// SPDX-License-Identifier: Apache-2.0
#include "replication/link/master_check.hpp"

#include "replication/link/same_master.hpp"
#include "replication/record/raft_reading.hpp"

#include <utility>

namespace etcdsync::replication {
namespace {

bool describes_something(const checkpoint& record) { return record.rev > 0 || record.other; }

}  // namespace

void master_check::settle() {
    known_contradictions_ = parts_.source.contradictions();
    contradiction_.clear();
}

bool master_check::is_continued(const checkpoint& record) const {
    return record.writer == parts_.with.writer && parts_.source.continuity() == trusted_;
}

aio::awaitable<etcd::result<proof>> master_check::prove(checkpoint record) {
    auto proved = co_await prove_once(record);
    // One endpoint may lead astray, such as a member that was made a cluster of its own and kept the id.
    if (proved && proved->found == proof::verdict::other && !record.other) proved = co_await prove_once(record);
    if (!proved) co_return proved;
    co_return remember(*std::move(proved), record);
}

proof master_check::remember(proof found, const checkpoint& record) {
    if (!describes_something(record)) {
        settle();
        return found;
    }
    // The link's own connection may lead to another master than the feed's.
    if (record.cluster_id != 0 && record.cluster_id != parts_.source.cluster_id() && !found.is_contradiction()) {
        found = proof();
        found.found = proof::verdict::other_cluster;
        found.reason = "the master is another cluster";
        return found;
    }
    if (found.found == proof::verdict::other) {
        contradiction_ = found.reason;
    } else if (found.found != proof::verdict::other_cluster &&
               parts_.source.contradictions() != known_contradictions_) {
        contradiction_ = "the master was wiped, restored or replaced, and may look right again";
    }
    if (found.found == proof::verdict::other_cluster || contradiction_.empty()) return found;
    found.found = proof::verdict::other;
    found.reason = contradiction_;
    return found;
}

aio::awaitable<etcd::result<proof>> master_check::prove_once(checkpoint record) {
    const net::channel_options options = slave_connection();
    const auto channel = co_await parts_.master.connect(options);
    if (!channel) co_return channel.error();
    auto found = co_await look(*channel, std::move(record));
    if (!found || found->is_contradiction()) parts_.master.avoid((*channel)->peer());
    co_return found;
}

aio::awaitable<etcd::result<proof>> master_check::look(std::shared_ptr<net::channel> on, checkpoint record) {
    const aio::clock::duration timeout = parts_.master.request_timeout();
    if (!describes_something(record)) {
        proof unknown;
        const raft_position nothing;
        const auto raft = co_await read_raft_position(on, parts_.with, timeout, parts_.keys.cover(), nothing);
        if (!raft) co_return raft.error();
        unknown.raft = raft->lowest;
        co_return unknown;
    }
    // A checkpoint migrated from the other consistency mode is proven by the keys it was about, if they may be read.
    std::optional<mapping> former;
    if (record.rules != parts_.keys.digest()) former = settings_.records->keys_in_other_mode(record.rules);
    const mapping& about = former ? *former : parts_.keys;
    const revision at_least = parts_.source.seen();
    const proof_request by_its_keys{on, parts_.with, timeout, about, record, at_least};
    auto proved = co_await prove_history(by_its_keys);
    if (!proved && proved.error().cls == etcd::error_class::denied && former) {
        const proof_request by_our_keys{on, parts_.with, timeout, parts_.keys, record, at_least};
        proved = co_await prove_history(by_our_keys);
    }
    if (proved && !proved->is_contradiction()) parts_.source.note_seen(proved->seen);
    if (is_continued(record)) proved = co_await compare_with_feed(on, parts_, std::move(proved));
    co_return proved;
}

}  // namespace etcdsync::replication
