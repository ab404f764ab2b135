// SPDX-License-Identifier: Apache-2.0
#include "app/commands/build_info.hpp"
#include "app/commands/commands.hpp"
#include "app/commands/settings.hpp"
#include "app/process/foreground.hpp"
#include "app/process/progress_display.hpp"

#include <cstdio>

namespace etcdsync::app {
namespace {

std::string urls(const config::cluster& cluster) {
    std::string out;
    for (const config::endpoint& endpoint : cluster.endpoints) out.append(out.empty() ? "" : ",").append(endpoint.url);
    return out;
}

void greet(const observe::logger& log, const loaded_config& loaded, const process_environment& around) {
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

aio::awaitable<exit_code> replicate(foreground& at, replication::replicator& all) {
    all.start();
    while (!at.stop_asked()) co_await at.changed().wait();
    co_await all.stop(stop_patience);
    co_return exit_code::ok;
}

}  // namespace

exit_code run(const options& asked, const process_environment& around) {
    const loaded_config loaded = load_config(asked, around);
    if (!loaded.result.value) {
        std::fputs(loaded.complaints().c_str(), stderr);
        return exit_code::configuration;
    }
    const config::config& settings = *loaded.result.value;
    const auto level = chosen_log_level(asked, around, settings.logging.level);
    if (!level) {
        std::fprintf(stderr, "etcd-sync: %s\n", level.error().text.c_str());
        return exit_code::configuration;
    }
    stderr_log voice(observe::choose_style(chosen_log_format(asked, settings.logging.format), asked.color, around.err),
                     *level);
    foreground at(voice);  // listens for signals: who reads "starting" may send one
    greet(voice.log, loaded, around);
    at.on_hangup([&voice] { voice.log.warn("reload is not supported yet: restart to apply changes"); });
    replication::replicator all(settings, at.environment());
    progress_view view;
    progress_display display(voice.console, voice.log, at.clock(), chosen_progress(asked, around),
                             [&] { return view.update(all.current(), at.clock().now()); });
    display.run_beside(at.tasks());
    return at.run(replicate(at, all));
}

}  // namespace etcdsync::app
