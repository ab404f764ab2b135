// SPDX-License-Identifier: Apache-2.0
// A slave without free space: the daemon waits, and the commands of doc/operations.md recover the slave.
#include "stage.hpp"
#include "support/etcd_cluster.hpp"

#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <thread>

using namespace etcdsync::test;

namespace {

const std::vector<std::string> small_quota = {"--quota-backend-bytes", "16777216"};

std::string read_document(const std::string& name) {
    const char* const source = std::getenv("ETCD_SYNC_SOURCE");
    std::ifstream in(std::string(source == nullptr ? "." : source) + "/" + name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// The shell blocks of "A full slave" in doc/operations.md, in order, without the definition of SLAVE.
std::vector<std::string> recovery_steps() {
    const std::string text = read_document("doc/operations.md");
    const std::size_t begin = text.find("\n## A full slave\n");
    if (begin == std::string::npos) throw std::runtime_error("doc/operations.md has no section \"A full slave\"");
    std::istringstream lines(text.substr(begin + 1, text.find("\n## ", begin + 1) - begin - 1));
    std::vector<std::string> steps;
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t indent = line.find_first_not_of(' ');
        const std::string content = indent == std::string::npos ? std::string() : line.substr(indent);
        if (!inside && content == "```sh") steps.emplace_back();
        const bool fence = content.starts_with("```");
        if (inside && !fence && !content.starts_with("SLAVE=")) steps.back() += content + '\n';
        if (fence) inside = !inside && content == "```sh";
    }
    std::erase_if(steps, [](const std::string& step) { return step.empty(); });
    return steps;
}

/// The steps of the document, run against the members of a slave.
class recovery {
public:
    recovery(std::string members, const etcd_program& of) : members_(std::move(members)), etcdctl_(of.etcdctl()) {
        REQUIRE(steps_.size() == 4);
        CHECK(steps_[0].find("compact") != std::string::npos);
        CHECK(steps_[1].find("defrag") != std::string::npos);
        CHECK(steps_[2].find("del --prefix /not/mirrored/") != std::string::npos);
        CHECK(steps_[3].find("alarm disarm") != std::string::npos);
    }

    void compact_and_defragment() {
        run(steps_[0]);
        run(steps_[1]);
    }
    void delete_keys() { run(steps_[2]); }
    /// True if no alarm is left.
    bool disarm() {
        run(steps_[3]);
        return run("etcdctl --endpoints \"$SLAVE\" alarm list").empty();
    }

private:
    std::string run(const std::string& commands) {
        // The document says etcdctl; a test may use one of another version.
        const std::string script = fmt::format("etcdctl() {{ command {} \"$@\"; }}\n{}", etcdctl_, commands);
        const std::string file = fmt::format("{}/{}", dir_.path(), ++runs_);
        process shell({"env", "ETCDCTL_API=3", "SLAVE=" + members_, "bash", "-euo", "pipefail", "-c", script}, file);
        const int code = shell.wait(patience(60s));
        std::ifstream in(file);
        std::ostringstream output;
        output << in.rdbuf();
        REQUIRE_MESSAGE(code == 0, commands << output.str());
        return output.str();
    }

    std::string members_;
    std::string etcdctl_;
    std::vector<std::string> steps_ = recovery_steps();
    scratch_dir dir_;
    unsigned runs_ = 0;
};

/// The first line of `text` with `part`, from its message on, without what differs between slaves and versions of etcd.
std::string normalized_line(const std::string& text, std::string_view part) {
    const std::size_t at = text.find(part);
    if (at == std::string::npos) return fmt::format("no line has \"{}\"", part);
    std::string line = text.substr(at, text.find('\n', at) - at);
    for (const auto& [what, with] : {std::pair("^([^\"]*retrying)\"", "$1"), std::pair("slave=[^ ]+", "slave=NAME"),
                                     std::pair("127\\.0\\.0\\.1:\\d+", "ENDPOINT"),
                                     std::pair("\\([A-Z_]+\\)", "(CODE)"), std::pair("retry_in=\\S+", "retry_in=TIME")})
        line = std::regex_replace(line, std::regex(what), with);
    return line;
}

/// Rewrites the same keys, which needs little data and much history, until the slave is full. The number of writes depends on the
/// disk: etcd checks the size of its file at the last commit (every 100 ms).
bool fills_up(etcd_client& at_master, const sync_daemon& sync) {
    unsigned round = 0;
    const auto is_full = [&] {
        fill(at_master, "/a/big/", 20, 65'536 + ++round);
        return sync.logged("space exceeded") > 0;
    };
    return eventually(is_full, patience(60s));
}

constexpr std::string_view rejected = "slave rejected the write; retrying";

}  // namespace

TEST_CASE(
    "a full slave waits, the other one continues; the documented commands recover it, without a restart or a loss") {
    stage on({.prefixes = {"/a/"},
              .slaves = {"", ""},
              .tables = "[replication]\nprobe_interval = \"1s\"\n",
              .slave_flags = small_quota});
    fill(on.at_master, "/a/", 300);
    bool raise = false;
    bool remove = false;
    SUBCASE("its history took the space") {}
    SUBCASE("its quota is raised") { raise = true; }
    SUBCASE("keys are deleted") {
        remove = true;
        const std::string value(65'536, 'x');
        for (int i = 0; i < 190; ++i) on.at_slave().put(fmt::format("/not/mirrored/{}", i), value);
    }
    on.start_and_sync();
    REQUIRE(fills_up(on.at_master, on.sync));
    CHECK(on.settle(1));
    const pid_t pid = on.sync.pid();
    const std::int64_t full = on.at_slave().revision();
    on.at_master.del("/a/00000", "/a/00001");
    on.at_master.put("/a/000100", "while it is full");
    CHECK(on.settle(1));
    std::this_thread::sleep_for(3s);
    CHECK(on.at_slave().revision() == full);
    CHECK(on.sync.logged("space exceeded") == 1);
    CHECK(on.check().fault == "");  // complete revisions, up to the one at which it was full
    for (const char* const document : {"README.md", "doc/operations.md"})
        CHECK(normalized_line(read_document(document), "slave rejected the write; retrying slave=") ==
              normalized_line(on.sync.output(), rejected));

    recovery steps(on.slave().plain_url(), on.slave().program());
    on.keep_slave();
    steps.compact_and_defragment();
    if (raise) {
        on.slave().terminate();
        on.slave().add_flags({"--quota-backend-bytes", "67108864"});
        on.slave().start();
    }
    if (remove) {
        steps.delete_keys();
        on.keep_slave();
        steps.compact_and_defragment();
    }
    // A write that was on its way may raise the alarm once more.
    CHECK(eventually([&] { return steps.disarm() && on.settle(5s); }, patience(40s)));
    CHECK(on.sync.pid() == pid);
    if (!remove) return on.finish();
    // The history of the slave has writes of its operator now.
    CHECK(on.exact());
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("the alarms of all members of a full slave are disarmed by the documented commands") {
    etcd_server master{role::master};
    etcd_cluster slave(small_quota);
    master.start();
    slave.start();
    etcd_client at_master(master.port());
    fill(at_master, "/a/", 300);
    sync_daemon sync(config_for(master, {slave_entry(slave.endpoints())},
                                "[[rule]]\nprefix = \"/a/\"\n[replication]\nprobe_interval = \"1s\"\n"));
    sync.start();
    REQUIRE(fills_up(at_master, sync));
    std::string members;
    for (std::size_t i = 0; i < etcd_cluster::size; ++i)
        members += (members.empty() ? "" : ",") + slave.member(i).plain_url();
    recovery steps(members, slave.member(0).program());
    steps.compact_and_defragment();
    const auto follows = [&] {
        const std::int64_t last = at_master.put("/a/~last", "v");
        return eventually([&] { return follows_at(slave.at(0), last); }, patience(5s));
    };
    CHECK(eventually([&] { return steps.disarm() && follows(); }, patience(60s)));
    CHECK(slave.at(0).range("/a/", "/a0") == at_master.range("/a/", "/a0"));
    CHECK(sync.terminate() == 0);
}
