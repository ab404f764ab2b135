// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"

#include <string>

/// The files a configuration names: where they are, and what is in those that hold a password.
namespace etcdsync::config {

/// Makes absolute paths of the names in `tls` and `auth`. A bare name (no "/") is looked up in `credentials_directory`, where one
/// is given and has such a file, then beside the configuration file; another relative path starts from that file's folder.
void locate_files(config& of, const std::string& config_path, const std::string& credentials_directory);

/// The password of a cluster's user: of the file, which is read anew each time and loses one line end, else the literal. The error
/// names the file and what is wrong, and never repeats any of it.
[[nodiscard]] base::result<std::string> read_password(const auth_settings& of);

}  // namespace etcdsync::config
