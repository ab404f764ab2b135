// SPDX-License-Identifier: Apache-2.0
// One-shot commands, run as processes. The unit tests check their output in detail.
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace etcdsync::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view valid_clusters =
    "[master]\nendpoints = [\"http://m\"]\n[[slave]]\nendpoints = [\"http://s\"]\n";

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct mistake {
    std::string_view tables;  ///< after four valid lines
    std::string_view place;   ///< line:col
    std::string_view what;
};

constexpr mistake mistakes[] = {
    {"[[rule]]\nprefx = \"/a/\"\n", "6:1", "did you mean \"prefix\"?"},
    {"[[rule]]\nprefix = 5\n", "6:10", "must be"},
    {"[[rule]]\nprefix = \"/a/\"\nkey = \"/b\"\n", "6:10", "write a [[rule]] for each"},
    {"[[rule]]\nrange = [\"/n\", \"/a\"]\n", "6:9", "\"/n\""},
    {"[[rule]]\nprefix = \"/a/\"\n[[rule]]\nprefix = \"/b/\"\ndest = \"/a/\"\n", "9:8", "both write"},
    {"[[rule]]\nprefix = \"/a/\"\n[replication]\nprobe_interval = 10\n", "8:18", "10s"},
    {"[[rule]]\nprefix = \"/a/\"\n[verify]\ninterval = \"5m\"\n", "8:12", "not supported yet"},
    {"auth = { user = \"u\", password_file = \"nothing-here\" }\n[[rule]]\nprefix = \"/a/\"\n", "5:38",
     "nothing-here cannot be read: No such file"},
    {"auth = { user = \"u\", password_env = \"NOT_SET_HERE\" }\n[[rule]]\nprefix = \"/a/\"\n", "5:37",
     "the environment variable NOT_SET_HERE is not set"},
};

}  // namespace

TEST_CASE("with an invalid configuration run and check-config exit with 78 and print the position and the fix") {
    for (const mistake& m : mistakes) {
        CAPTURE(m.tables);
        sync_daemon sync(fmt::format("{}{}", valid_clusters, m.tables));
        for (const char* const command : {"run", "check-config"}) {
            CHECK(sync.run({command}, patience(10s)) == 78);
        }
        const std::string output = sync.output();
        CAPTURE(output);
        CHECK(holds(output, fmt::format("{}:{}: error: ", sync.config_path(), m.place)));
        CHECK(holds(output, m.what));
        CHECK(holds(output, "^"));
        CHECK(!holds(output, "starting"));
    }
}

TEST_CASE("several errors are reported at once") {
    sync_daemon sync("[master]\nendpoints = [\"m:2379\"]\n[[slave]]\nendpoints = []\n[[rule]]\ncolour = 1\n");
    CHECK(sync.run({"check-config"}, patience(10s)) == 78);
    for (const std::string_view place : {":2:14: error: ", ":4:13: error: ", ":6:1: error: "})
        CHECK(holds(sync.output(), place));
}

TEST_CASE("a missing configuration file is a configuration error, too") {
    scratch_dir dir;
    process child({std::getenv("ETCD_SYNC"), "-c", dir.path() + "/nothing.toml", "run"}, dir.path() + "/output");
    CHECK(child.wait(patience(10s)) == 78);
    std::ostringstream output;
    output << std::ifstream(dir.path() + "/output").rdbuf();
    CHECK(holds(output.str(), "nothing.toml"));
}

TEST_CASE("the samples in conf/ are valid") {
    const char* const source = std::getenv("ETCD_SYNC_SOURCE");
    REQUIRE(source != nullptr);
    std::size_t samples = 0;
    for (const auto& file : std::filesystem::directory_iterator(std::string(source) + "/conf")) {
        if (file.path().extension() != ".toml") continue;
        ++samples;
        std::ostringstream text;
        text << std::ifstream(file.path()).rdbuf();
        sync_daemon sync(text.str());
        const int code = sync.run({"check-config"}, patience(10s));
        CAPTURE(file.path().string());
        CAPTURE(sync.output());
        CHECK(code == 0);
        CHECK(holds(sync.output(), ": ok: "));
    }
    CHECK(samples >= 2);
}

TEST_CASE("an unknown command or option is a usage error") {
    sync_daemon sync(fmt::format("{}[[rule]]\nprefix = \"/a/\"\n", valid_clusters));
    CHECK(sync.run({"rnu"}, patience(10s)) == 64);
    CHECK(holds(sync.output(), "rnu"));
    CHECK(sync.run({"run", "--no-such-option"}, patience(10s)) == 64);
    CHECK(sync.run({"explain"}, patience(10s)) == 64);
    CHECK(sync.run({"help"}, patience(10s)) == 0);
    CHECK(sync.run({"version"}, patience(10s)) == 0);
}

TEST_CASE("--json run logs one JSON object per line") {
    const std::uint16_t closed = free_port_pair();
    sync_daemon sync(fmt::format(
        "[master]\nendpoints = [\"http://127.0.0.1:{0}\"]\n[[slave]]\nendpoints = [\"http://127.0.0.1:{1}\"]\n"
        "[[rule]]\nprefix = \"/a/\"\n[log]\nformat = \"logfmt\"\n",
        closed, closed + 1));
    sync.start({"--json", "run"});
    CHECK(eventually([&] { return sync.logged("Connection refused") > 0; }, patience(10s)));
    CHECK(sync.terminate() == 0);
    std::istringstream lines(sync.output());
    std::size_t starts = 0;
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        CHECK(line.starts_with("{\"time\":\"20"));
        CHECK(line.ends_with("}"));
        if (holds(line, R"(,"level":"info","msg":"starting",)") && holds(line, R"("slaves":1,"rules":1)")) ++starts;
    }
    CHECK(starts == 1);
}

TEST_CASE("explain prints the rule that selects a key and its target, without connecting to an etcd") {
    sync_daemon sync(fmt::format(
        "{}dest = \"/copy\"\n[[rule]]\nname = \"app\"\nprefix = \"/a/\"\ndest = \"/b/\"\nexclude = [\"/a/secret/\"]\n",
        valid_clusters));
    CHECK(sync.run({"explain", "/a/key"}, patience(10s)) == 0);
    CHECK(holds(sync.output(), "/copy/b/key"));
    CHECK(holds(sync.output(), "app"));
    CHECK(sync.run({"explain", "/a/secret/1"}, patience(10s)) == 1);
    CHECK(holds(sync.output(), "excluded by"));
    CHECK(sync.run({"explain", "/c"}, patience(10s)) == 1);
    CHECK(holds(sync.output(), "no rule selects it"));
}
