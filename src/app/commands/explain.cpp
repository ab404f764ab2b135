// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/commands/settings.hpp"
#include "app/render/json.hpp"
#include "base/escape.hpp"
#include "config/selector_range.hpp"
#include "replication/mapping/mapping.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {
namespace {

/// What becomes of a key on one slave.
struct fate {
    std::string slave;
    std::string rule;         ///< that takes the key; empty: none does
    std::string destination;  ///< empty: `reason` says why
    std::string reason;
};

std::string shown(std::string_view bytes) { return base::printable(bytes, bytes.size()); }

/// The first of these patterns that holds the key; empty: none.
std::string matching(const std::vector<std::string>& patterns, std::string_view key) {
    for (const std::string& text : patterns) {
        const auto pattern = keys::pattern::parse(text);
        if (pattern && pattern->matches(key)) return text;
    }
    return "";
}

/// Why a rule whose selector holds the key does not take it.
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

fate fate_of(const config::config& settings, const config::slave& slave, std::string_view key) {
    std::vector<config::rule> rules;
    for (const std::size_t index : slave.rules) rules.push_back(settings.rules[index]);
    const replication::mapping keys(rules, slave.dest, settings.replicate.checkpoint_prefix);
    fate out;
    out.slave = slave.name;
    const auto rule = keys.rule_of(key);
    if (!rule) {
        out.reason = why_not_taken(settings, rules, key);
        return out;
    }
    out.rule = rules[*rule].name;
    std::string to;
    if (keys.to_slave(key, to)) {
        out.destination = to;
    } else {
        out.reason =
            to.empty() ? "maps to the empty key" : fmt::format("maps into the checkpoint prefix: {}", shown(to));
    }
    return out;
}

std::string as_table(const std::vector<fate>& fates) {
    std::size_t slave_width = 5;
    std::size_t rule_width = 4;
    for (const fate& f : fates) {
        slave_width = std::max(slave_width, f.slave.size());
        rule_width = std::max(rule_width, shown(f.rule).size());
    }
    std::string out = fmt::format("{:<{}}  {:<{}}  {}\n", "SLAVE", slave_width, "RULE", rule_width, "KEY ON THE SLAVE");
    for (const fate& f : fates) {
        const std::string to = f.destination.empty() ? "not taken: " + f.reason : shown(f.destination);
        const std::string rule = f.rule.empty() ? "-" : shown(f.rule);
        out += fmt::format("{:<{}}  {:<{}}  {}\n", f.slave, slave_width, rule, rule_width, to);
    }
    return out;
}

std::string as_json(const std::vector<fate>& fates, std::string_view key, bool taken) {
    boost::json::object out;
    out["schema"] = 1;
    put_key(out, "key", key);
    out["taken"] = taken;
    boost::json::array slaves;
    for (const fate& f : fates) {
        boost::json::object entry;
        entry["slave"] = f.slave;
        entry["taken"] = !f.destination.empty();
        if (!f.rule.empty()) entry["rule"] = json_text(f.rule);
        if (f.destination.empty()) {
            entry["reason"] = f.reason;
        } else {
            put_key(entry, "key", f.destination);
        }
        slaves.push_back(std::move(entry));
    }
    out["slaves"] = std::move(slaves);
    return to_line(out);
}

}  // namespace

answer explain_key(const config::config& settings, std::string_view key, output_format format) {
    std::vector<fate> fates;
    for (const config::slave& slave : settings.slaves) fates.push_back(fate_of(settings, slave, key));
    const bool taken = std::any_of(fates.begin(), fates.end(), [](const fate& f) { return !f.destination.empty(); });
    answer reply;
    reply.code = taken ? exit_code::ok : exit_code::failed;
    reply.out = format == output_format::json ? as_json(fates, key, taken) : as_table(fates);
    return reply;
}

answer explain(const options& asked, const process_environment& around) {
    const loaded_config loaded = read_config(asked, around);
    if (!loaded.result.value) return {.code = exit_code::configuration, .err = loaded.complaints()};
    return explain_key(*loaded.result.value, asked.key, asked.format);
}

}  // namespace etcdsync::app
