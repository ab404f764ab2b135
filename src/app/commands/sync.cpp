// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/commands/one_shot.hpp"
#include "app/daemon/daemon.hpp"
#include "app/daemon/settings.hpp"
#include "app/process/foreground.hpp"
#include "app/process/progress_display.hpp"
#include "app/process/standard_output.hpp"
#include "app/render/slave_result_text.hpp"

#include <algorithm>

namespace etcdsync::app {
namespace {

void write_result(const options& asked, const sync_result& result, exit_code code, output& out) {
    const bool table = asked.format == output_format::table;
    if (!table) out.write(result_json(result, code));
    for (const slave_result& one : result.slaves) {
        if (table && (!asked.quiet || one.how != outcome::good)) out.write(result_line(one));
        warn_of(one, out);
    }
}

aio::awaitable<exit_code> work(daemon& all, const options& asked, const signals& from_outside, output& out) {
    const sync_result result = co_await all.run_once();
    const std::vector<outcome> ends = outcomes(result.slaves);
    const bool interrupted = std::ranges::find(ends, outcome::interrupted) != ends.end();
    const exit_code code = interrupted ? from_outside.interrupted() : code_for(ends);
    write_result(asked, result, code, out);
    co_return out.code_after(code);
}

}  // namespace

exit_code sync(const options& asked, const process_environment& around, const base::file_reader& files) {
    standard_output early;
    const auto settings = one_shot_settings(asked, around, files, early);
    if (!settings) return settings.error();
    one_shot_log log(*settings, asked, around);
    standard_output out(&log.at.console);
    foreground at(log.at, files);
    environment with = at.environment();
    with.program = own_command(asked, around, files);
    replication::job job;
    job.once = true;
    job.approve = asked.approve;
    job.foreign = adoption_of(asked);
    daemon all(with, *settings, job);
    progress_view view;
    progress_display display(log.at.console, log.progress_lines, with.clock, chosen_progress(asked, around),
                             [&] { return view.update(all.current(), with.clock.now()); });
    display.run_beside(at.tasks());
    return at.run(work(all, asked, with.signals, out));
}

}  // namespace etcdsync::app
