// SPDX-License-Identifier: Apache-2.0
#include "app/commands/build_info.hpp"
#include "app/commands/commands.hpp"
#include "app/commands/one_shot.hpp"
#include "app/daemon/daemon.hpp"
#include "app/daemon/settings.hpp"
#include "app/process/foreground.hpp"
#include "app/process/progress_display.hpp"
#include "app/process/standard_output.hpp"
#include "app/render/config_text.hpp"

#include <fmt/format.h>

namespace etcdsync::app {
namespace {

std::string urls(const config::cluster& cluster) {
    std::string out;
    for (const config::endpoint& endpoint : cluster.endpoints) out.append(out.empty() ? "" : ",").append(endpoint.url);
    return out;
}

void log_start(const observe::logger& log, const loaded_config& loaded, const process_environment& around) {
    const config::config& settings = *loaded.result.value;
    log.info("starting", {{"version", build_info::version},
                          {"config", loaded.path},
                          {"master", urls(settings.master)},
                          {"slaves", settings.slaves.size()},
                          {"rules", settings.rules.size()}});
    for (const config::diagnostic& d : loaded.result.diagnostics) {
        const std::string hint = d.hint.empty() ? "" : ": " + d.hint;
        log.warn(d.message + hint, {{"config", fmt::format("{}:{}:{}", loaded.path, d.line, d.column)}});
    }
    for (const std::string& name : unknown_variables(around))
        log.warn("unknown environment variable", {{"name", name}});
}

}  // namespace

exit_code run(const options& asked, const process_environment& around, const base::file_reader& files) {
    const loaded_config loaded = load_config(asked, around, files);
    standard_output out;
    if (!loaded.result.value) {
        out.complain(complaints_of(loaded));
        return exit_code::configuration;
    }
    const config::config& settings = *loaded.result.value;
    const auto level = chosen_log_level(asked, around, settings.logging.level);
    if (!level) {
        out.complain(fmt::format("etcd-sync: {}\n", level.error().text));
        return exit_code::configuration;
    }
    stderr_log log(observe::choose_style(chosen_log_format(asked, settings.logging.format), asked.color, around.err),
                   *level);
    foreground at(log, files);  // handles signals before "starting" is logged: its reader may send one
    log_start(log.log, loaded, around);
    environment with = at.environment();
    with.program = own_command(asked, around, files);
    with.signals.on_hang_up([&log] { log.log.warn("reload is not supported yet: restart to apply changes"); });
    daemon all(with, settings);
    progress_view view;
    progress_display display(log.console, log.log, with.clock, chosen_progress(asked, around),
                             [&] { return view.update(all.current(), with.clock.now()); });
    display.run_beside(at.tasks());
    return at.run(all.run());
}

}  // namespace etcdsync::app
