// SPDX-License-Identifier: Apache-2.0
#include "app/commands/check_config.hpp"

#include "app/commands/commands.hpp"
#include "app/render/config_text.hpp"
#include "app/render/count.hpp"
#include "app/render/json.hpp"
#include "base/escape.hpp"

#include <boost/json/array.hpp>

namespace etcdsync::app {
namespace {

boost::json::object as_json(const config::diagnostic& d) {
    boost::json::object out;
    out["severity"] = d.level == config::diagnostic::severity::error ? "error" : "warning";
    out["line"] = d.line;
    out["column"] = d.column;
    out["message"] = json_text(d.message);
    out["hint"] = json_text(d.hint);
    return out;
}

std::string table_report(const loaded_config& loaded) {
    if (!loaded.result.value) return "";
    return fmt::format("{}: ok: 1 master, {}, {}\n", base::printable(loaded.path, loaded.path.size()),
                       count(loaded.result.value->slaves.size(), "slave"),
                       count(loaded.result.value->rules.size(), "rule"));
}

}  // namespace

boost::json::object config_report(const loaded_config& loaded, exit_code code) {
    boost::json::object out;
    out["schema"] = 1;
    out["exit_code"] = static_cast<int>(code);
    out["file"] = json_text(loaded.path);
    boost::json::array slaves;
    if (const auto& value = loaded.result.value) {
        out["instance"] = value->instance;
        out["rules"] = value->rules.size();
        for (const config::slave& slave : value->slaves) slaves.push_back(boost::json::object{{"slave", slave.name}});
    }
    out["slaves"] = std::move(slaves);
    boost::json::array diagnostics;
    for (const config::diagnostic& d : loaded.result.diagnostics) diagnostics.push_back(as_json(d));
    out["diagnostics"] = std::move(diagnostics);
    return out;
}

offline_check check_offline(const options& asked, const process_environment& around, const base::file_reader& files) {
    offline_check out;
    out.loaded = load_config(asked, around, files);
    const loaded_config& loaded = out.loaded;
    answer& reply = out.reply;
    reply.code = loaded.result.value ? exit_code::ok : exit_code::configuration;
    const bool json = asked.format != output_format::table;
    // In JSON the diagnostics are part of the result.
    (json ? reply.warnings : reply.err) = complaints_of(loaded);
    for (const std::string& name : unknown_variables(around)) reply.err += unknown_variable_text(name);
    if (loaded.result.value) {
        const auto level = chosen_log_level(asked, around, loaded.result.value->logging.level);
        if (!level) {
            reply.code = exit_code::configuration;
            reply.err += fmt::format("etcd-sync: {}\n", level.error().text);
            return out;
        }
    }
    if (json) {
        reply.out = to_line(config_report(loaded, reply.code));
    } else if (!asked.quiet) {
        reply.out = table_report(loaded);
    }
    return out;
}

answer check_config(const options& asked, const process_environment& around, const base::file_reader& files) {
    return check_offline(asked, around, files).reply;
}

}  // namespace etcdsync::app
