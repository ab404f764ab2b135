// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"
#include "base/result.hpp"
#include "config/config.hpp"

#include <string>

/// The files a configuration names: where they are, and what is in those that hold a password.
namespace etcdsync::config {

/// Makes the names in `tls` and `auth` absolute paths. A bare name (no "/") is looked up in `credentials_directory` (empty: there is
/// none), then beside the configuration file; another relative path starts at that file's directory.
void locate_files(const base::file_reader& files, config& of, const std::string& config_path,
                  const std::string& credentials_directory);

/// The password of a cluster's user: the content of the password file without one line end at its end, else the literal. The file
/// is read each time. The error names the file and what is wrong, and never quotes the content.
[[nodiscard]] base::result<std::string> read_password(const base::file_reader& files, const auth_settings& of);

}  // namespace etcdsync::config
