// SPDX-License-Identifier: Apache-2.0
#include "replication/record/raft_reading.hpp"

#include "etcd/kv.hpp"
#include "replication/mapping/queries.hpp"

#include <optional>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr unsigned samples_at_once = 3;
constexpr unsigned samples_later = 2;
constexpr std::chrono::milliseconds sample_pause{1500};

/// One sample. Nothing if it says nothing.
aio::awaitable<etcd::result<std::optional<raft_sample>>> take_sample(std::shared_ptr<net::channel> on,
                                                                     const context& with, aio::clock::duration timeout,
                                                                     etcd::range_query query) {
    std::optional<raft_sample> out;
    etcd::kv reads(on, with.clock, timeout);
    const auto before = co_await reads.range(query);
    if (!before) co_return before.error();
    const auto status = co_await etcd::read_status(on, timeout);
    if (!status && !on->usable()) co_return status.error();
    if (!status) co_return out;
    const auto after = co_await reads.range(query);
    if (!after) co_return after.error();
    const std::uint64_t member = status->header.member_id;
    if (before->header.member_id != member || after->header.member_id != member) co_return out;
    if (status->raft_index > 0) out = raft_sample{*status, after->header.store_revision};
    co_return out;
}

}  // namespace

aio::awaitable<etcd::result<raft_reading>> read_raft_position(std::shared_ptr<net::channel> on, const context& with,
                                                              aio::clock::duration timeout, keys::key_range cover,
                                                              raft_position recorded) {
    raft_reading out;
    std::vector<raft_sample> samples;
    const etcd::range_query query = probe_query(cover);
    for (unsigned i = 0; i < samples_at_once + samples_later; ++i) {
        if (i >= samples_at_once) {
            if (out.contradiction.empty()) break;
            co_await aio::sleep(with.clock, sample_pause);
        }
        const auto sample = co_await take_sample(on, with, timeout, query);
        if (!sample) co_return sample.error();
        if (!*sample && samples.empty()) co_return out;
        if (*sample) samples.push_back(**sample);
        out.contradiction = raft_contradiction(recorded, highest_position(samples));
    }
    out.lowest = lowest_position(samples);
    co_return out;
}

}  // namespace etcdsync::replication
