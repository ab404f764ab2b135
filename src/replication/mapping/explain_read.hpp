// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "keys/key_range.hpp"

#include <string>

namespace etcdsync::replication {

/// Why the master did not let us read `keys`, for people. etcd does not say which keys a permission was missing for: this does. Other
/// causes stay as they are. `one_rule`: they are those of one rule, in consistency = "rule".
[[nodiscard]] std::string explain_read(const etcd::error& why, const keys::key_range& keys, bool one_rule);

}  // namespace etcdsync::replication
