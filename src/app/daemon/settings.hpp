// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "app/daemon/process_environment.hpp"
#include "base/file_reader.hpp"
#include "base/result.hpp"
#include "config/files/load.hpp"
#include "observe/log.hpp"

#include <optional>
#include <string>

namespace etcdsync::app {

/// The configuration file: the flag, else the environment, else the file of the package.
[[nodiscard]] std::string config_path(const options& asked, const process_environment& around);

/// A configuration file that was read, or why it could not be.
struct loaded_config {
    std::string path;
    std::string text;
    config::parse_result result;
};

/// Reads only the file: enough for commands that connect to no etcd.
[[nodiscard]] loaded_config read_config(const options& asked, const process_environment& around,
                                        const base::file_reader& files);

/// Reads the file and what it refers to: locates and checks the files, and takes passwords from the environment into
/// `auth.password`. Whatever is missing is a diagnostic.
[[nodiscard]] loaded_config load_config(const options& asked, const process_environment& around,
                                        const base::file_reader& files);

/// The flag, else the environment, else the file.
[[nodiscard]] base::result<observe::log_level> chosen_log_level(const options& asked, const process_environment& around,
                                                                config::log_level file);

/// bar, plain or none.
[[nodiscard]] observe::progress_mode chosen_progress(const options& asked, const process_environment& around);

/// The format of log lines: JSON for `--json run`, else the one of the file; nullopt: automatic. For the other commands, --json
/// concerns results, not the log.
[[nodiscard]] std::optional<observe::log_format> chosen_log_format(const options& asked, config::log_format file);

}  // namespace etcdsync::app
