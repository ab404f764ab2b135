// SPDX-License-Identifier: Apache-2.0
#include "app/process/system_files.hpp"
#include "config/files/load.hpp"
#include "config/selector_range.hpp"
#include "config/toml/render.hpp"
#include "keys/key_range.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <regex>

using namespace etcdsync::config;

namespace {

std::string shipped(const std::string& name) { return std::string(SOURCE_ROOT) + "/conf/" + name; }

config load_valid(const std::string& name) {
    std::string text;
    const parse_result read = load(etcdsync::app::system_files(), shipped(name), text);
    INFO(render(read.diagnostics, name, text));
    REQUIRE(read.diagnostics.empty());
    return *read.value;
}

}  // namespace

TEST_CASE("the annotated reference is a valid configuration") {
    const config c = load_valid("etcd-sync.toml");
    CHECK(c.instance == "etcd-sync");
    CHECK(c.rules.size() == 3);
    CHECK(c.slaves.at(0).rules == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("every default in the reference is the actual default") {
    std::string text;
    const config plain = *load(etcdsync::app::system_files(), shipped("etcd-sync.toml"), text).value;
    // Uncomment every line with a default, including the keys that are not supported yet.
    const std::regex commented(R"(^# ([a-z_]+ +=.*)$)");
    std::string active;
    std::size_t shown = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        std::smatch found;
        const bool example = line.find("rules    =") != std::string::npos || line.find("ca.pem") != std::string::npos ||
                             line.find("core-pass") != std::string::npos;
        const bool shows = !example && std::regex_match(line, found, commented);
        if (shows) ++shown;
        // Top-level keys are above the first table already, so the lines can stay where they are.
        active += (shows ? found[1].str() : line) + "\n";
        at = end + 1;
    }
    const parse_result full = parse(active);
    INFO(render(full.diagnostics, "active", active));
    REQUIRE(full.value.has_value());
    CHECK(shown >= 25);
    CHECK(full.value->instance == plain.instance);
    CHECK(full.value->rules == plain.rules);
    CHECK(full.value->slaves[0].guards == plain.slaves[0].guards);
    CHECK(full.value->slaves[0].required == plain.slaves[0].required);
    const replication& a = full.value->replicate;
    const replication& b = plain.replicate;
    CHECK(a.probe_interval == b.probe_interval);
    CHECK(a.memory_limit == b.memory_limit);
    CHECK(a.log_limit == b.log_limit);
    CHECK(a.full_sync_parallel == b.full_sync_parallel);
    CHECK(a.txn_max_ops == b.txn_max_ops);
    CHECK(a.txn_max_bytes == b.txn_max_bytes);
    CHECK(a.request_timeout == b.request_timeout);
    CHECK(a.checkpoint_prefix == b.checkpoint_prefix);
    CHECK(full.value->logging.level == plain.logging.level);
    CHECK(full.value->logging.format == plain.logging.format);
}

TEST_CASE("the demo selects a prefix, a key and a range, for two slaves") {
    const config c = load_valid("demo.toml");
    CHECK(c.master.endpoints.at(0).port == 12379);
    REQUIRE(c.slaves.size() == 2);
    CHECK(c.slaves[0].name == "slave-1");
    CHECK(c.slaves[1].endpoints.at(0).port == 32379);
    for (const auto* key : {"/com/example/a", "/com/example/b", "/motd", "/range/key"}) {
        CAPTURE(key);
        CHECK(std::ranges::count_if(c.rules, [&](const rule& r) { return selector_range(r.select).contains(key); }) ==
              1);
    }
}

TEST_CASE("a missing file, or one that is not a regular file, is one error without a position") {
    std::string text = "old";
    const parse_result missing = load(etcdsync::app::system_files(), "/nonexistent/etcd-sync.toml", text);
    CHECK(text.empty());
    CHECK_FALSE(missing.value);
    CHECK(render(missing.diagnostics, "/nonexistent/etcd-sync.toml", text) ==
          "/nonexistent/etcd-sync.toml: error: cannot be read: No such file or directory\n");
    const parse_result directory = load(etcdsync::app::system_files(), SOURCE_ROOT, text);
    CHECK(directory.diagnostics.at(0).message == "cannot be read: Is a directory");
    const parse_result endless = load(etcdsync::app::system_files(), "/dev/zero", text);
    CHECK(endless.diagnostics.at(0).message == "cannot be read: larger than 1 MiB");
}
