// SPDX-License-Identifier: Apache-2.0
#include "replication/link/same_master.hpp"

#include <utility>

namespace etcdsync::replication {

aio::awaitable<etcd::result<proof>> compare_with_feed(std::shared_ptr<net::channel> on, const link_parts& parts,
                                                      etcd::result<proof> by_state) {
    if (!by_state || by_state->found != proof::verdict::unproven) co_return by_state;
    proof_event last = parts.source.last_event();
    const revision position = parts.source.recent().position();
    auto by_feed =
        co_await prove_by_feed(std::move(on), parts.with, parts.master.request_timeout(), std::move(last), position);
    if (!by_feed || by_feed->found == proof::verdict::other) co_return by_feed;
    // The same master as the feed's; whether it is the one the slave was copied from is not known yet.
    co_return by_state;
}

}  // namespace etcdsync::replication
