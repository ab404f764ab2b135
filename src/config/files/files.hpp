// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"

#include <string>

/// The files that a configuration names: their paths, and the passwords in them.
namespace etcdsync::config {

/// Makes the names in `tls` and `auth` absolute paths. A bare name (no "/") is looked up in
/// `credentials_directory`, if one is given and has such a file, then beside the configuration
/// file. Other relative paths start from that file's directory.
void locate_files(config& of, const std::string& config_path, const std::string& credentials_directory);

/// The password of a cluster's user: from the file, which is read each time and loses one line end,
/// else the literal. The error names the file and the reason, and never contains any part of the
/// password.
[[nodiscard]] base::result<std::string> read_password(const auth_settings& of);

}  // namespace etcdsync::config
