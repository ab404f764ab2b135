// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "app/process/process_environment.hpp"
#include "app/render/answer.hpp"
#include "base/result.hpp"
#include "config/files/load.hpp"
#include "observe/log.hpp"

#include <optional>
#include <string>

namespace etcdsync::app {

/// The configuration file: flag, else environment, else the one of the package.
[[nodiscard]] std::string config_path(const options& asked, const process_environment& around);

/// A configuration that was read, or why not.
struct loaded_config {
    std::string path;
    std::string text;
    config::parse_result result;

    /// What is printed about it on stderr: every diagnostic, and the number of errors. Empty if there is none.
    [[nodiscard]] std::string complaints() const;
};
/// Only the file: enough for commands that contact no etcd.
[[nodiscard]] loaded_config read_config(const options& asked, const process_environment& around);

/// With all it needs from outside: files are located and can be read, passwords of the environment stand in `auth.password`. What is
/// missing is a diagnostic like any other.
[[nodiscard]] loaded_config load_config(const options& asked, const process_environment& around);

/// Flag, else environment, else file.
[[nodiscard]] base::result<observe::log_level> chosen_log_level(const options& asked, const process_environment& around,
                                                                config::log_level file);

/// bar, plain or none.
[[nodiscard]] observe::progress_mode chosen_progress(const options& asked, const process_environment& around);

/// The format of log lines: JSON for `--json run`, else what the file says; nothing: automatic. The other commands write
/// their results as JSON, and log as the file says.
[[nodiscard]] std::optional<observe::log_format> chosen_log_format(const options& asked, config::log_format file);

}  // namespace etcdsync::app
