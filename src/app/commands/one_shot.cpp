// SPDX-License-Identifier: Apache-2.0
#include "app/commands/one_shot.hpp"

#include "app/daemon/settings.hpp"
#include "app/render/config_text.hpp"
#include "app/render/grants.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {

namespace {

/// Ignores -q, which only affects results.
base::result<observe::log_level> one_shot_log_level(const options& asked, const process_environment& around) {
    options without_quiet = asked;
    without_quiet.quiet = false;
    return chosen_log_level(without_quiet, around, config::log_level::error);
}

}  // namespace

base::result<std::vector<config::slave>> choose_slaves(const config::config& settings,
                                                       const std::vector<std::string>& names) {
    std::vector<std::string_view> known;
    for (const config::slave& slave : settings.slaves) known.push_back(slave.name);
    for (const std::string& name : names) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string_view near = base::nearest(name, known);
        const std::string hint = near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near);
        return base::error(
            fmt::format("--slave: the configuration has no slave \"{}\"{}", base::printable(name), hint));
    }
    std::vector<config::slave> chosen;
    for (const config::slave& slave : settings.slaves) {
        if (names.empty() || std::find(names.begin(), names.end(), slave.name) != names.end()) chosen.push_back(slave);
    }
    return base::result<std::vector<config::slave>>(boost::system::in_place_value, std::move(chosen));
}

base::result<config::config, exit_code> one_shot_settings(const options& asked, const process_environment& around,
                                                          const base::file_reader& files, output& out) {
    loaded_config loaded = load_config(asked, around, files);
    out.complain(complaints_of(loaded));
    if (!loaded.result.value) return exit_code::configuration;
    for (const std::string& name : unknown_variables(around)) out.complain(unknown_variable_text(name));
    const auto level = one_shot_log_level(asked, around);
    if (!level) {
        out.complain(fmt::format("etcd-sync: {}\n", level.error().text));
        return exit_code::configuration;
    }
    auto slaves = choose_slaves(*loaded.result.value, asked.slaves);
    if (!slaves) {
        out.complain(fmt::format("etcd-sync: {}\n", slaves.error().text));
        return exit_code::usage;
    }
    loaded.result.value->slaves = std::move(*slaves);
    return std::move(*loaded.result.value);
}

std::string own_command(const options& asked, const process_environment& around, const base::file_reader& files) {
    return "etcd-sync -c " + shell_word(files.absolute(config_path(asked, around)));
}

replication::adoption adoption_of(const options& asked) {
    if (!asked.foreign) return replication::adoption::none;
    return asked.slaves.empty() ? replication::adoption::if_held : replication::adoption::all;
}

one_shot_log::one_shot_log(const config::config& settings, const options& asked, const process_environment& around)
    : at(observe::choose_style(chosen_log_format(asked, settings.logging.format), asked.color, around.err),
         one_shot_log_level(asked, around).value()),
      progress_lines(at.sink, observe::log_level::info) {}

}  // namespace etcdsync::app
