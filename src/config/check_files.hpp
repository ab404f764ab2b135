// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/load.hpp"

#include <vector>

namespace etcdsync::config {

/// What is wrong with the files and passwords of a configuration after locate_files(), with passwords of the environment filled in;
/// and which secrets others may read. Opens the files; `places` are those of the outcome.
[[nodiscard]] std::vector<diagnostic> check_files(const config& of, const std::vector<cluster_places>& places);

}  // namespace etcdsync::config
