// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/process_environment.hpp"
#include "base/file_reader.hpp"
#include "config/files/load.hpp"

#include <string>

namespace etcdsync::app {

/// Completes a valid configuration with what is outside of its file: locates and checks the files, and takes passwords from the
/// environment. Problems become diagnostics; an error removes the value.
void gather_secrets(config::parse_result& loaded, const std::string& config_path, const process_environment& around,
                    const base::file_reader& files);

}  // namespace etcdsync::app
