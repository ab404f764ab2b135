// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/process_environment.hpp"

namespace etcdsync::app {

/// The environment of this process. Opens stdin, stdout and stderr on /dev/null if they are closed: else a connection could get the
/// number of stderr, and be sent the log. A write to a stdout that was closed fails.
[[nodiscard]] process_environment read_environment();

}  // namespace etcdsync::app
