// SPDX-License-Identifier: Apache-2.0
#include "app/build_info.hpp"
#include "app/commands.hpp"
#include "app/daemon.hpp"
#include "app/settings.hpp"

#include <csignal>
#include <cstdio>

namespace etcdsync::app {
namespace {

std::string urls(const config::cluster& cluster) {
    std::string out;
    for (const config::endpoint& endpoint : cluster.endpoints) out.append(out.empty() ? "" : ",").append(endpoint.url);
    return out;
}

void greet(const observe::logger& log, const loaded_config& loaded, const surroundings& around) {
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

observe::progress_mode progress_mode(const options& asked, const surroundings& around) {
    const bool silent = asked.quiet && asked.progress == observe::progress_mode::automatic;
    return silent ? observe::progress_mode::none : observe::choose_progress(asked.progress, around.err);
}

}  // namespace

exit_code run(const options& asked, const surroundings& around) {
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
    std::signal(SIGPIPE, SIG_IGN);  // a peer or a reader of our log that went away is told by the write
    stderr_log voice(observe::choose_style(chosen_log_format(settings.logging.format), asked.colour, around.err),
                     *level);
    greet(voice.log, loaded, around);
    daemon service(settings, voice, progress_mode(asked, around));
    return service.run();
}

}  // namespace etcdsync::app
