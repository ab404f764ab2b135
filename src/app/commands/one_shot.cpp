// SPDX-License-Identifier: Apache-2.0
#include "app/commands/one_shot.hpp"

#include "app/commands/settings.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace etcdsync::app {

using namespace std::chrono_literals;

namespace {

/// -q hides results that are good; what the log would say is hidden already.
base::result<observe::log_level> one_shot_log_level(const options& asked, const process_environment& around) {
    options loud = asked;
    loud.quiet = false;
    return chosen_log_level(loud, around, config::log_level::error);
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

base::result<config::config, exit_code> one_shot_settings(const options& asked, const process_environment& around) {
    loaded_config loaded = load_config(asked, around);
    std::fputs(loaded.complaints().c_str(), stderr);
    if (!loaded.result.value) return exit_code::configuration;
    for (const std::string& name : unknown_variables(around))
        fmt::print(stderr, "etcd-sync: warning: unknown environment variable {}\n", base::printable(name));
    const auto level = one_shot_log_level(asked, around);
    if (!level) {
        fmt::print(stderr, "etcd-sync: {}\n", level.error().text);
        return exit_code::configuration;
    }
    auto slaves = choose_slaves(*loaded.result.value, asked.slaves);
    if (!slaves) {
        fmt::print(stderr, "etcd-sync: {}\n", slaves.error().text);
        return exit_code::usage;
    }
    loaded.result.value->slaves = std::move(*slaves);
    return std::move(*loaded.result.value);
}

one_shot_voice::one_shot_voice(const config::config& settings, const options& asked, const process_environment& around)
    : log(observe::choose_style(chosen_log_format(asked, settings.logging.format), asked.color, around.err),
          one_shot_log_level(asked, around).value()),
      progress_lines(log.sink, observe::log_level::info) {}

void result_stream::complain(std::string_view sentence) {
    console_.clear_bar();
    fmt::print(stderr, "etcd-sync: {}\n", sentence);
}

bool result_stream::write(std::string_view text) {
    console_.clear_bar();
    if (!broken_ && std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) broken_ = true;
    return !broken_;
}

bool result_stream::flush() {
    if (!broken_ && std::fflush(stdout) != 0) broken_ = true;
    return !broken_;
}

exit_code result_stream::code_after(exit_code code) {
    if (flush()) return code;
    std::fputs("etcd-sync: stdout could not be written\n", stderr);
    return code == exit_code::ok ? exit_code::failed : code;
}

bool master_patience::is_over(const replication::master_status& master, aio::clock::time_point now) {
    constexpr aio::clock::duration to_come = 3500ms;  // at the start: it is down, or the address is wrong
    constexpr aio::clock::duration to_return = 30s;   // in the middle of the work: it may only start anew
    if (master.connected) {
        was_there_ = true;
        away_since_ = now;
    }
    if (master.connected || master.cause.empty()) return false;
    const outcome how = outcome_of(master.failure);
    // What it refuses may be one rule of several: the links whose rules it is about end by themselves.
    if (how == outcome::denied) return false;
    if (how != outcome::unreachable && !was_there_) return true;
    return now - away_since_ >= (was_there_ ? to_return : to_come);
}

aio::awaitable<sync_result> run_once(foreground& at, replication::replicator& all) {
    master_patience patience(at.clock().now());
    all.start();
    bool master_gone = false;
    while (!all.finished() && !at.stop_asked() && !master_gone) {
        co_await aio::wait_until(at.changed(), at.clock(), at.clock().now() + 50ms);
        master_gone = !all.finished() && patience.is_over(all.current().master, at.clock().now());
    }
    const replication::status at_end = all.current();
    sync_result result = judge(at_end, master_gone || is_refused(at_end));
    co_await all.stop(stop_patience);
    co_return result;
}

}  // namespace etcdsync::app
