// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/read/cluster_places.hpp"

namespace etcdsync::config {

/// Reports errors of the files and the password of a cluster after locate_files(), and secrets that
/// other users may read. Opens the files. A missing password from the environment is reported
/// elsewhere. Returns true if all files of `tls` can be read.
bool check_files(const cluster& of, const cluster_places& places, complaints& out);

}  // namespace etcdsync::config
