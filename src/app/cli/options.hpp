// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/progress.hpp"
#include "observe/terminal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::app {

enum class command { none, run, sync, verify, check_config, explain, version, help };
enum class output_format {
    table,  ///< text for people
    json,   ///< one object
    jsonl,  ///< verify, sync --dry-run: one object per line; else as json
};

/// The command line alone: defaults from the file and the environment come later.
struct options {
    command what = command::none;
    std::optional<std::string> config_file;
    output_format format = output_format::table;
    bool quiet = false;
    unsigned verbose = 0;
    observe::color_mode color = observe::color_mode::automatic;
    observe::progress_mode progress = observe::progress_mode::automatic;
    std::vector<std::string> slaves;         ///< sync, verify: these only; empty: all
    bool dry_run = false;                    ///< sync: write nothing
    bool approve = false;                    ///< sync: approve what holds a slave
    bool foreign = false;                    ///< sync --approve: delete foreign keys too
    bool connect = false;                    ///< check-config: connect to the clusters
    bool repair = false;                     ///< verify: sync what differs
    std::optional<std::int64_t> max_behind;  ///< verify: revisions a slave may be behind; more is a difference
    std::string key;                         ///< explain: the bytes
    std::string topic;                       ///< help: of this command
};

}  // namespace etcdsync::app
