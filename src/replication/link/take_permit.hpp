// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/permits.hpp"
#include "replication/link/slave_session.hpp"

#include <optional>

namespace etcdsync::replication {

/// Waits until a permit of `from` is free, and meanwhile checks the slave every probe interval. `done` once `held` has it.
aio::awaitable<step_result> take_permit(slave_session& session, permits& from, std::optional<permits::permit>& held);

}  // namespace etcdsync::replication
