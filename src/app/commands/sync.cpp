// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/commands/one_shot.hpp"
#include "app/commands/settings.hpp"
#include "app/process/progress_display.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {
namespace {

void print(const options& asked, const sync_result& result, result_stream& out) {
    if (asked.format == output_format::json) {
        out.write(result_json(result));
        return;
    }
    for (const slave_result& one : result.slaves) {
        if (!asked.quiet || one.how != outcome::good) out.write(result_line(one));
    }
}

aio::awaitable<exit_code> work(foreground& at, replication::replicator& all, const options& asked,
                               observe::console& console) {
    const sync_result result = co_await run_once(at, all);
    result_stream out(console);
    print(asked, result, out);
    const std::vector<outcome> ends = outcomes(result.slaves);
    const bool cut = std::find(ends.begin(), ends.end(), outcome::interrupted) != ends.end();
    co_return out.code_after(cut ? at.interrupted() : code_for(ends));
}

}  // namespace

exit_code sync(const options& asked, const process_environment& around) {
    const auto settings = one_shot_settings(asked, around);
    if (!settings) return settings.error();
    one_shot_voice voice(*settings, asked, around);
    foreground at(voice.log);
    replication::job job;
    job.once = true;
    job.approve = asked.approve;
    replication::replicator all(*settings, at.environment(), job);
    progress_view view;
    progress_display display(voice.log.console, voice.progress_lines, at.clock(), chosen_progress(asked, around),
                             [&] { return view.update(all.current(), at.clock().now()); });
    display.run_beside(at.tasks());
    return at.run(work(at, all, asked, voice.log.console));
}

}  // namespace etcdsync::app
