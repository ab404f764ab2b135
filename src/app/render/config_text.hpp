// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/settings.hpp"

#include <string>

namespace etcdsync::app {

/// Every diagnostic of a configuration, and the number of errors, as text for people. Empty if there is none.
[[nodiscard]] std::string complaints_of(const loaded_config& loaded);

/// The warning about a variable named ETCDSYNC_* that has no meaning.
[[nodiscard]] std::string unknown_variable_text(const std::string& name);

}  // namespace etcdsync::app
