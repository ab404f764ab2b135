// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/load.hpp"

#include <vector>

namespace etcdsync::config {

/// Tells what is wrong with the files and passwords of a configuration after locate_files(), and which secrets others may read.
/// Opens the files; `places` are those of the outcome. A password of the environment that is missing is another's to tell.
void check_files(const config& of, const std::vector<cluster_places>& places, complaints& out);

}  // namespace etcdsync::config
