// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"
#include "config/read/cluster_places.hpp"

namespace etcdsync::config {

/// Reports what is wrong with the files and the password of a cluster after locate_files(), and warns of secrets that others may
/// read. Does not report a missing environment variable. True if all files of `tls` can be read.
bool check_files(const base::file_reader& files, const cluster& of, const cluster_places& places, complaints& out);

}  // namespace etcdsync::config
