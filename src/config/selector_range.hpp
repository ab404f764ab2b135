// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "keys/key_range.hpp"

namespace etcdsync::config {

/// What the selector of a rule takes, before include and exclude.
[[nodiscard]] keys::key_range selector_range(const selector& select);

}  // namespace etcdsync::config
