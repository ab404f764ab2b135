// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/status/context.hpp"

#include <memory>

namespace etcdsync::replication {

/// True if no selected key of the master changed after the checkpoint's R up to `until`: a slave that waits for a change of its
/// keys is not behind. False if one did, or if that cannot be determined soon.
aio::awaitable<bool> is_current(std::shared_ptr<net::channel> on, const context& with, aio::clock::duration timeout,
                                const mapping& keys, const checkpoint& record, revision until);

}  // namespace etcdsync::replication
