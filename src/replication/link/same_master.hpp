// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/link_parts.hpp"
#include "replication/record/proof.hpp"

#include <memory>

namespace etcdsync::replication {

/// Completes what the state of a master proved. If it proved nothing, the link may still go on because its feed has followed the
/// master without a gap. That says nothing about a connection of the link's own that leads to another master, while the feed
/// has not noticed yet that its own is gone. So the events that the feed read last are compared there. `other` if they differ.
aio::awaitable<etcd::result<proof>> compare_with_feed(std::shared_ptr<net::channel> on, const link_parts& parts,
                                                      etcd::result<proof> by_state);

}  // namespace etcdsync::replication
