// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/process/process_environment.hpp"
#include "config/files/load.hpp"

#include <string>

namespace etcdsync::app {

/// Completes a good configuration with what stands outside of its file: locates and checks the files, takes passwords from the
/// environment. What is wrong becomes a diagnostic; an error takes the value away.
void gather_secrets(config::parse_result& loaded, const std::string& config_path, const process_environment& around);

}  // namespace etcdsync::app
