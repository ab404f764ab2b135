// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/daemon/settings.hpp"
#include "app/render/config_text.hpp"
#include "app/render/json.hpp"
#include "base/escape.hpp"
#include "config/selector_range.hpp"
#include "replication/mapping/slave_mapping.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {
namespace {

/// Where a key goes on one slave.
struct destination {
    std::string slave;
    std::string rule;  ///< the rule that takes the key; empty: none does
    std::string key;   ///< the key on the slave; empty: see `reason`
    std::string reason;
};

std::string shown(std::string_view bytes) { return base::printable(bytes, bytes.size()); }

/// The first of these patterns that matches the key; empty: none.
std::string matching(const std::vector<std::string>& patterns, std::string_view key) {
    for (const std::string& text : patterns) {
        const auto pattern = keys::pattern::parse(text);
        if (pattern && pattern->matches(key)) return text;
    }
    return "";
}

/// Why a rule does not take a key that its selector contains.
std::string refusal(const config::rule& rule, std::string_view key) {
    const std::string excluded = matching(rule.exclude, key);
    if (!excluded.empty()) return fmt::format("excluded by \"{}\" of rule \"{}\"", shown(excluded), shown(rule.name));
    return fmt::format("not in include of rule \"{}\"", shown(rule.name));
}

std::string why_not_taken(const config::config& settings, const std::vector<config::rule>& rules,
                          std::string_view key) {
    const std::string& checkpoints = settings.replicate.checkpoint_prefix;
    if (key.starts_with(checkpoints)) return fmt::format("inside the checkpoint prefix \"{}\"", shown(checkpoints));
    std::vector<std::string> refusals;
    for (const config::rule& rule : rules) {
        if (config::selector_range(rule.select).contains(key)) refusals.push_back(refusal(rule, key));
    }
    if (!refusals.empty()) return fmt::format("{}", fmt::join(refusals, "; "));
    return rules.size() == settings.rules.size() ? "no rule selects it" : "no rule of this slave selects it";
}

destination destination_of(const config::config& settings, const config::slave& slave, std::string_view key) {
    const std::vector<config::rule> rules = replication::rules_of(settings, slave);
    const replication::mapping keys = replication::mapping_for(settings, slave);
    destination out;
    out.slave = slave.name;
    const auto rule = keys.rule_of(key);
    if (!rule) {
        out.reason = why_not_taken(settings, rules, key);
        return out;
    }
    out.rule = rules[*rule].name;
    std::string to;
    if (keys.to_slave(key, to)) {
        out.key = to;
    } else {
        out.reason =
            to.empty() ? "maps to the empty key" : fmt::format("maps into the checkpoint prefix: {}", shown(to));
    }
    return out;
}

std::string as_table(const std::vector<destination>& all) {
    std::size_t slave_width = 5;
    std::size_t rule_width = 4;
    for (const destination& one : all) {
        slave_width = std::max(slave_width, one.slave.size());
        rule_width = std::max(rule_width, shown(one.rule).size());
    }
    std::string out = fmt::format("{:<{}}  {:<{}}  {}\n", "SLAVE", slave_width, "RULE", rule_width, "KEY ON THE SLAVE");
    for (const destination& one : all) {
        const std::string to = one.key.empty() ? "not mirrored: " + one.reason : shown(one.key);
        const std::string rule = one.rule.empty() ? "-" : shown(one.rule);
        out += fmt::format("{:<{}}  {:<{}}  {}\n", one.slave, slave_width, rule, rule_width, to);
    }
    return out;
}

std::string as_json(const std::vector<destination>& all, std::string_view key, bool taken) {
    boost::json::object out;
    out["schema"] = 1;
    out["exit_code"] = static_cast<int>(taken ? exit_code::ok : exit_code::failed);
    put_key(out, "key", key);
    boost::json::array slaves;
    for (const destination& one : all) {
        boost::json::object entry;
        entry["slave"] = one.slave;
        entry["matched"] = !one.key.empty();
        if (!one.rule.empty()) entry["rule"] = json_text(one.rule);
        if (one.key.empty()) {
            entry["cause"] = one.reason;
        } else {
            put_key(entry, "key", one.key);
        }
        slaves.push_back(std::move(entry));
    }
    out["slaves"] = std::move(slaves);
    return to_line(out);
}

}  // namespace

answer explain_key(const config::config& settings, std::string_view key, output_format format) {
    std::vector<destination> all;
    for (const config::slave& slave : settings.slaves) all.push_back(destination_of(settings, slave, key));
    const bool taken = std::any_of(all.begin(), all.end(), [](const destination& one) { return !one.key.empty(); });
    answer reply;
    reply.code = taken ? exit_code::ok : exit_code::failed;
    reply.out = format != output_format::table ? as_json(all, key, taken) : as_table(all);
    return reply;
}

answer explain(const options& asked, const process_environment& around, const base::file_reader& files) {
    const loaded_config loaded = read_config(asked, around, files);
    if (!loaded.result.value) return {.code = exit_code::configuration, .err = complaints_of(loaded)};
    return explain_key(*loaded.result.value, asked.key, asked.format);
}

}  // namespace etcdsync::app
