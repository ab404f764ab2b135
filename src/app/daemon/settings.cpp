// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/settings.hpp"

#include "app/daemon/secrets.hpp"

#include <algorithm>
#include <array>

namespace etcdsync::app {
namespace {

using observe::log_level;

constexpr std::array levels{log_level::trace, log_level::debug, log_level::info, log_level::warn, log_level::error};

log_level same_level(config::log_level file) {
    switch (file) {
        case config::log_level::trace: return log_level::trace;
        case config::log_level::debug: return log_level::debug;
        case config::log_level::info: return log_level::info;
        case config::log_level::warn: return log_level::warn;
        case config::log_level::error: return log_level::error;
    }
    return log_level::info;
}

}  // namespace

std::string config_path(const options& asked, const process_environment& around) {
    if (asked.config_file) return *asked.config_file;
    const std::string_view variable = around.variable("ETCDSYNC_CONFIG");
    return variable.empty() ? "/etc/etcd-sync/etcd-sync.toml" : std::string(variable);
}

loaded_config read_config(const options& asked, const process_environment& around, const base::file_reader& files) {
    loaded_config loaded;
    loaded.path = config_path(asked, around);
    loaded.result = config::load(files, loaded.path, loaded.text);
    return loaded;
}

loaded_config load_config(const options& asked, const process_environment& around, const base::file_reader& files) {
    loaded_config loaded = read_config(asked, around, files);
    if (loaded.result.value) gather_secrets(loaded.result, loaded.path, around, files);
    return loaded;
}

base::result<log_level> chosen_log_level(const options& asked, const process_environment& around,
                                         config::log_level file) {
    if (asked.verbose > 1) return log_level::trace;
    if (asked.verbose == 1) return log_level::debug;
    if (asked.quiet) return log_level::warn;
    const std::string_view variable = around.variable("ETCDSYNC_LOG_LEVEL");
    if (variable.empty()) return same_level(file);
    const auto place =
        std::find_if(levels.begin(), levels.end(), [&](auto l) { return observe::to_string(l) == variable; });
    if (place != levels.end()) return *place;
    return base::error("ETCDSYNC_LOG_LEVEL must be one of trace, debug, info, warn, error");
}

observe::progress_mode chosen_progress(const options& asked, const process_environment& around) {
    const bool silent = asked.quiet && asked.progress == observe::progress_mode::automatic;
    return silent ? observe::progress_mode::none : observe::choose_progress(asked.progress, around.err);
}

std::optional<observe::log_format> chosen_log_format(const options& asked, config::log_format file) {
    if (asked.what == command::run && asked.format != output_format::table) return observe::log_format::json;
    switch (file) {
        case config::log_format::automatic: return std::nullopt;
        case config::log_format::text: return observe::log_format::text;
        case config::log_format::logfmt: return observe::log_format::logfmt;
        case config::log_format::json: return observe::log_format::json;
    }
    return std::nullopt;
}

}  // namespace etcdsync::app
