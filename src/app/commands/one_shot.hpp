// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "app/daemon/output.hpp"
#include "app/daemon/process_environment.hpp"
#include "app/process/stderr_log.hpp"
#include "base/file_reader.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "replication/setup/job.hpp"

#include <string>
#include <vector>

namespace etcdsync::app {

/// The slaves with these names, in the order of the configuration; all slaves if there are no names. Returns an error with a
/// suggestion if a name is unknown.
[[nodiscard]] base::result<std::vector<config::slave>> choose_slaves(const config::config& settings,
                                                                     const std::vector<std::string>& names);

/// The configuration of a one-shot command, with the chosen slaves only. Writes diagnostics to `out`; returns the exit code on failure.
[[nodiscard]] base::result<config::config, exit_code> one_shot_settings(const options& asked,
                                                                        const process_environment& around,
                                                                        const base::file_reader& files, output& out);

/// The start of the commands that messages suggest. The path is absolute: a log is read in another directory, and mail of cron, too.
[[nodiscard]] std::string own_command(const options& asked, const process_environment& around,
                                      const base::file_reader& files);

/// What happens to foreign keys: `--foreign` names slaves with --slave, else it concerns held ones only.
[[nodiscard]] replication::adoption adoption_of(const options& asked);

/// The log of a one-shot command: errors only, unless -v or the configured level selects more. Progress lines are written at any level.
struct one_shot_log {
    one_shot_log(const config::config& settings, const options& asked, const process_environment& around);

    stderr_log at;
    observe::logger progress_lines;
};

}  // namespace etcdsync::app
