// SPDX-License-Identifier: Apache-2.0
#include "app/commands/check_config.hpp"
#include "app/commands/commands.hpp"
#include "app/commands/connection_check.hpp"
#include "app/commands/one_shot.hpp"
#include "app/process/foreground.hpp"
#include "app/process/standard_output.hpp"
#include "app/render/connection_text.hpp"
#include "app/render/json.hpp"

namespace etcdsync::app {
namespace {

aio::awaitable<exit_code> work(environment with, const options& asked, const loaded_config& loaded, output& out) {
    connection_check check(with, *loaded.result.value);
    const auto all = co_await check.run();
    if (!all) co_return with.signals.interrupted();
    if (asked.format != output_format::table) {
        boost::json::object report = config_report(loaded, code_for(*all));
        add_connections(report, *all);
        out.write(to_line(report));
    }
    for (const cluster_report& one : *all) {
        if (asked.format == output_format::table) out.write(lines_of(one, asked.quiet));
        out.warn(lines_of(one, true));
    }
    co_return out.code_after(code_for(*all));
}

}  // namespace

exit_code check_connections(const options& asked, const process_environment& around, const base::file_reader& files) {
    const offline_check offline = check_offline(asked, around, files);
    const answer& so_far = offline.reply;
    const bool good = so_far.code == exit_code::ok;
    standard_output early;
    early.complain(so_far.err);
    early.warn(so_far.warnings);
    // In JSON everything is one object, written at the end.
    if (!good || asked.format == output_format::table) early.write(so_far.out);
    if (!good) return early.code_after(so_far.code);
    one_shot_log log(*offline.loaded.result.value, asked, around);
    standard_output out(&log.at.console);
    foreground at(log.at, files);
    return at.run(work(at.environment(), asked, offline.loaded, out));
}

}  // namespace etcdsync::app
