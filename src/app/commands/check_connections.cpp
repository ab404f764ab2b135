// SPDX-License-Identifier: Apache-2.0
#include "app/commands/check_config.hpp"
#include "app/commands/commands.hpp"
#include "app/commands/connection_check.hpp"
#include "app/commands/one_shot.hpp"
#include "app/render/json.hpp"

#include <boost/json/array.hpp>

#include <cstdio>

namespace etcdsync::app {
namespace {

std::string json_report(const loaded_config& loaded, const std::vector<cluster_report>& all) {
    boost::json::object out = config_report(loaded);
    const exit_code code = code_for(all);
    out["ok"] = code == exit_code::ok;
    boost::json::array clusters;
    for (const cluster_report& one : all) clusters.push_back(json_of(one));
    out["clusters"] = std::move(clusters);
    out["exit_code"] = static_cast<int>(code);
    return to_line(out);
}

aio::awaitable<exit_code> work(foreground& at, const options& asked, const loaded_config& loaded,
                               observe::console& console) {
    connection_check check(at, *loaded.result.value);
    const auto all = co_await check.run();
    if (!all) co_return at.interrupted();
    result_stream out(console);
    if (asked.format == output_format::json) {
        out.write(json_report(loaded, *all));
    } else {
        for (const cluster_report& one : *all) out.write(lines_of(one, asked.quiet));
    }
    co_return out.code_after(code_for(*all));
}

}  // namespace

exit_code check_connections(const options& asked, const process_environment& around) {
    const offline_check offline = check_offline(asked, around);
    const bool good = offline.reply.code == exit_code::ok;
    std::fputs(offline.reply.err.c_str(), stderr);
    // In JSON all is one object, printed at the end.
    if (!good || asked.format == output_format::table) std::fputs(offline.reply.out.c_str(), stdout);
    if (!good) return offline.reply.code;
    one_shot_voice voice(*offline.loaded.result.value, asked, around);
    foreground at(voice.log);
    return at.run(work(at, asked, offline.loaded, voice.log.console));
}

}  // namespace etcdsync::app
