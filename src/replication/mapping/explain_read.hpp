// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "keys/key_range.hpp"

#include <string>

namespace etcdsync::replication {

/// Explains why the master refused a read of `keys`. etcd does not say which keys a permission is
/// missing for; this text does. Other errors keep their text. `one_rule`: the keys are those of one
/// rule, in consistency = "rule".
[[nodiscard]] std::string explain_read(const etcd::error& why, const keys::key_range& keys, bool one_rule);

}  // namespace etcdsync::replication
