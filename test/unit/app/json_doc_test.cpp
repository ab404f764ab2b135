// SPDX-License-Identifier: Apache-2.0
// Compares doc/json.md with the output: every field that a command writes must be in a table of its section, and every field of the
// tables must be written in some case.
#include "app/commands/check_config.hpp"
#include "app/commands/commands.hpp"
#include "app/render/connection_text.hpp"
#include "app/render/json.hpp"
#include "app/render/slave_result_text.hpp"
#include "app/render/verify_output.hpp"
#include "support/memory_files.hpp"
#include "unit/app/memory_output.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

using namespace etcdsync;
using namespace etcdsync::app;
using replication::difference;

namespace {

using fields = std::set<std::string>;

/// The text in backquotes at the start of a table row; empty for other lines.
std::string field_in(const std::string& line) {
    if (!line.starts_with("| `")) return {};
    return line.substr(3, line.find('`', 3) - 3);
}

/// The fields of the tables, by section; the section "" is for every command.
std::map<std::string, fields> documented() {
    std::ifstream file(SOURCE_ROOT "/doc/json.md");
    REQUIRE(file.good());
    std::map<std::string, fields> out;
    std::string section;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) section = line.substr(3);
        const std::string field = field_in(line);
        if (!field.empty()) out[section].insert(field);
    }
    return out;
}

/// The path of every leaf: `slaves[].endpoints[].url`. An empty array is a leaf.
void collect(const boost::json::value& from, const std::string& path, fields& out) {
    if (from.is_object()) {
        for (const auto& [name, member] : from.as_object())
            collect(member, path.empty() ? std::string(name) : path + "." + std::string(name), out);
    } else if (from.is_array() && !from.as_array().empty()) {
        for (const auto& member : from.as_array()) collect(member, path + "[]", out);
    } else if (!from.is_array()) {
        out.insert(path);
    }
}

fields fields_of(const std::vector<std::string>& objects) {
    fields out;
    for (const std::string& text : objects) {
        CHECK(text.find('\n') == text.size() - 1);
        const boost::json::value value = boost::json::parse(text);
        for (const char* const everywhere : {"schema", "exit_code", "slaves"})
            CHECK_MESSAGE(value.as_object().contains(everywhere), text);
        collect(value, "", out);
    }
    out.erase("schema");
    out.erase("exit_code");
    return out;
}

/// `master.x` and `after_repair[].x` are documented as `slaves[].x`.
fields as_slaves(const fields& from, const std::string& prefix) {
    fields out;
    for (const std::string& field : from) {
        const bool same = field.starts_with(prefix) && !field.ends_with("consistency_rule_suffices");
        out.insert(same ? "slaves[]." + field.substr(prefix.size()) : field);
    }
    return out;
}

void compare(const std::string& section, const fields& written) {
    fields listed = documented()[section];
    for (const char* const summary : {"after_repair[]", "master"}) listed.erase(summary);
    CAPTURE(section);
    for (const std::string& field : written) CHECK_MESSAGE(listed.contains(field), "not documented: " << field);
    for (const std::string& field : listed) CHECK_MESSAGE(written.contains(field), "never written: " << field);
}

replication::link_status link(std::string_view name, replication::link_state state, bool finished) {
    replication::link_status out;
    out.slave = out.name = name;
    out.rule = "app";
    out.state = state;
    out.finished = finished;
    out.cause = "permission denied";
    out.failure = etcd::error_class::denied;
    out.approvable = true;
    out.approved = state == replication::link_state::in_sync ? "too much" : "";
    return out;
}

replication::inspection_report compared() {
    replication::inspection_report out;
    out.current_cause = "there is no checkpoint";
    out.behind = 2;
    out.guard_violation = "too much";
    return out;
}

replication::inspection_report denied() {
    replication::inspection_report out;
    out.failed.emplace(true, etcd::error(etcd::error_class::denied, "m:1: permission denied"));
    return out;
}

replication::inspection_report approved() {
    replication::inspection_report out = compared();
    out.approved = true;
    return out;
}

replication::suggestions every_command() { return {.preview = "a", .approve = "b", .check = "c"}; }

std::string verified() {
    test::memory_output to;
    const auto out = make_verify_output(output_format::json, false, "etcd-sync", to);
    out->write_difference({"a", "app"}, {difference::kind::different, "/k", 14, 12});
    out->write_difference({"a", "app"}, {difference::kind::missing, "\xff", 14, 0});
    out->write_difference({"a", "app"}, {difference::kind::adopted, "/k", 0, 12});
    out->write_report({"a", "app"}, compared());
    out->write_report({"b", "app"}, approved());
    out->write_report({"c", "app"}, denied());
    out->write_repair(
        {.of = {"a", "app"}, .how = outcome::failed, .cause = "why", .approved = {}, .next = every_command()});
    out->write_report({"a", "app"}, compared());
    out->write_end({}, exit_code::failed);
    return to.out;
}

cluster_report connected(bool is_master) {
    cluster_report out;
    out.is_master = is_master;
    out.name = is_master ? "" : "edge-1";
    (is_master ? out.certificate : out.user) = "someone";
    out.endpoints = {{"http://e:1", outcome::failed, "why", 0x2b, true}};
    out.permissions = {
        {{replication::permission::subject::rule, "app", {"/a/", "/b/"}, true}, true, false},
        {{replication::permission::subject::checkpoint, "", {std::string("\0", 1), std::string("\0\0", 2)}, true},
         true,
         true}};
    out.how = outcome::failed;
    out.cause = "why";
    return out;
}

const char* const configuration = R"(
[master]
endpoints = ["http://m"]
[[slave]]
endpoints = ["http://s"]
[[rule]]
prefix = "/app/"
exclude = ["/app/x"]
[[rule]]
prefix = "/bin/"
)";

test::memory_files files_with(const std::string& text) {
    test::memory_files out;
    out.put("/etc/etcd-sync/etcd-sync.toml", text);
    return out;
}

}  // namespace

TEST_CASE("doc/json.md lists the fields of sync") {
    replication::status at_end;
    at_end.master.cause = "m:1: refused";
    at_end.links = {link("a", replication::link_state::in_sync, true), link("b", replication::link_state::held, true),
                    link("c", replication::link_state::disconnected, true)};
    compare("sync", fields_of({result_json(evaluate(at_end, true, "etcd-sync"), exit_code::held)}));
}

TEST_CASE("doc/json.md lists the fields of verify and sync --dry-run") {
    compare("verify and sync --dry-run", as_slaves(fields_of({verified()}), "after_repair[]."));
}

TEST_CASE("doc/json.md lists the fields of check-config") {
    options asked;
    asked.format = output_format::json;
    const std::string valid = check_config(asked, {}, files_with(configuration)).out;
    const std::string invalid = check_config(asked, {}, files_with("nonsense = 1\n")).out;
    boost::json::object with_connect = boost::json::parse(valid).as_object();
    add_connections(with_connect, {connected(true), connected(false)});
    compare("check-config", as_slaves(fields_of({valid, invalid, to_line(with_connect)}), "master."));
}

TEST_CASE("doc/json.md lists the fields of explain") {
    options asked;
    asked.format = output_format::json;
    const test::memory_files files = files_with(configuration);
    std::vector<std::string> all;
    for (const char* const key : {"/app/y", "/app/x", "/bin/\xff"}) {
        asked.key = key;
        all.push_back(explain(asked, {}, files).out);
    }
    compare("explain", fields_of(all));
}

TEST_CASE("doc/json.md lists the fields of version") {
    options asked;
    asked.format = output_format::json;
    fields written;
    for (const std::string& field : fields_of({version(asked).out}))
        written.insert(field.starts_with("libraries.") ? "libraries.*" : field);
    compare("version", written);
}

TEST_CASE("doc/json.md lists what every command writes") {
    CHECK(documented()[""] == fields{"schema", "exit_code", "slaves[]"});
}
