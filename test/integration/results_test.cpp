// SPDX-License-Identifier: Apache-2.0
// What commands write to stdout and stderr, and what happens if nobody reads it. How far behind a slave is.
#include "stage.hpp"
#include "suggested.hpp"

using namespace etcdsync::test;

namespace {

/// What a shell command wrote, each stream in its file, and its exit status.
struct streams {
    int code = 0;
    std::string out;
    std::string err;
};

std::string content(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

/// Runs `etcd-sync -c FILE ARGUMENTS` in a shell; `{}` in `redirection` is the directory for files.
struct commands {
    explicit commands(const std::string& config) : daemon(config) {}

    [[nodiscard]] std::string line(std::string_view arguments) const {
        return fmt::format("etcd-sync -c {} {}", daemon.config_path(), arguments);
    }
    [[nodiscard]] streams apart(std::string_view arguments) const {
        const scratch_dir dir;
        const command_result all = run_in_shell(fmt::format("{0} >{1}/out 2>{1}/err", line(arguments), dir.path()));
        return {all.code, content(dir.path() + "/out"), content(dir.path() + "/err")};
    }
    /// With stdout redirected like this; only stderr is returned.
    [[nodiscard]] streams redirected(std::string_view arguments, std::string_view to) const {
        const command_result all = run_in_shell(fmt::format("{} {}", line(arguments), to));
        return {all.code, {}, all.text};
    }
    /// The exit status of the command in front of `| head -n 1`, and everything that was printed.
    [[nodiscard]] streams piped(std::string_view arguments) const {
        const command_result all =
            run_in_shell(fmt::format("set -o pipefail; {} | {{ head -c 1; exit 0; }}", line(arguments)));
        return {all.code, {}, all.text};
    }

    sync_daemon daemon;
};

constexpr std::string_view lost = "etcd-sync: cannot write to stdout: ";

stage_options two_slaves() {
    stage_options how;
    how.slaves = {"", ""};
    return how;
}

}  // namespace

TEST_CASE("a result that cannot be written is exit 1 and a message, from every command in every format") {
    stage on(two_slaves());
    fill(on.at_master, "/a/", 20);
    const commands all(on.config());
    REQUIRE(all.apart("sync").code == 0);
    on.at_slave(1).put("/a/extra", "1");
    for (const char* const command : {"version",
                                      "version --json",
                                      "help",
                                      "help sync",
                                      "explain /a/1",
                                      "explain --json /a/1",
                                      "explain /none",
                                      "check-config",
                                      "check-config --json",
                                      "check-config --connect",
                                      "check-config --connect --json",
                                      "sync",
                                      "sync --json",
                                      "sync -w jsonl",
                                      "sync -n",
                                      "sync -n --json",
                                      "verify",
                                      "verify --json",
                                      "verify -w jsonl",
                                      "verify --repair"}) {
        for (const char* const to : {">&-", ">/dev/full"}) {
            const streams got = all.redirected(command, to);
            CAPTURE(std::string(command));
            CAPTURE(std::string(to));
            CHECK(got.code == 1);
            CHECK(got.err.starts_with(lost));
            CHECK(got.err.find('\n') == got.err.size() - 1);
        }
    }
    // Nothing was lost where there was nothing to write.
    CHECK(all.redirected("verify -q", ">&-").code == 0);
    CHECK(all.redirected("sync -q", ">/dev/full").code == 0);
    CHECK(all.redirected("check-config -q", ">&-").code == 0);
}

TEST_CASE("a reader that has read enough ends a command without a word") {
    stage on(two_slaves());
    fill(on.at_master, "/a/", 30'000, 20);
    const commands all(on.config());
    for (const char* const command :
         {"verify", "verify --json", "verify -w jsonl", "sync -n", "sync -n --json", "sync -n -w jsonl"}) {
        const streams got = all.piped(command);
        CAPTURE(std::string(command));
        CHECK(got.code == 141);
        CHECK(got.err.size() == 1);  // what head printed
    }
    // These write little, so the reader may be gone or not. They are silent in any case.
    for (const char* const command :
         {"version", "help", "explain /a/1", "check-config", "check-config --connect", "sync"}) {
        const streams got = all.piped(command);
        CAPTURE(std::string(command));
        CAPTURE(got.err);
        CHECK((got.code == 0 || got.code == 141));
        CHECK(got.err.size() == 1);
    }
}

TEST_CASE("the lines of slaves that failed are on stdout and on stderr, and nothing else is on stderr") {
    stage on(two_slaves());
    fill(on.at_master, "/a/", 300);
    const commands all(on.config());
    REQUIRE(all.apart("sync").code == 0);
    on.at_slave(0).put("/a/extra", "1");
    on.slave(1).kill();

    // One slave differs and another is away: both are told.
    const streams verified = all.apart("verify");
    CHECK(verified.code == 3);
    CHECK(verified.out.find("slave-1: 1 difference ") != std::string::npos);
    CHECK(verified.out.find("slave-2: failed: connect ") != std::string::npos);
    CHECK(verified.err.starts_with("slave-2: failed: connect "));
    CHECK(verified.err.find("slave-1") == std::string::npos);
    for (const char* const command : {"verify --json", "verify -w jsonl", "sync -n --json"}) {
        const streams as_json = all.apart(command);
        CAPTURE(std::string(command));
        CHECK(as_json.code == 3);
        CHECK(as_json.out.find(R"("slave":"slave-2",)") != std::string::npos);
        CHECK(as_json.out.find(R"("state":"unreachable")") != std::string::npos);
        CHECK(as_json.err == verified.err);
    }
    for (const char* const command : {"sync", "sync --json", "sync -q"}) {
        const streams synced = all.apart(command);
        CAPTURE(std::string(command));
        CHECK(synced.code == 3);
        CHECK(synced.out.find("slave-2") != std::string::npos);
        CHECK(synced.err.starts_with("slave-2: failed: connect "));
    }
    const streams checked = all.apart("check-config --connect");
    CHECK(checked.code == 69);
    CHECK(checked.out.find("slave slave-2: http") != std::string::npos);
    CHECK(checked.err.starts_with("slave slave-2: http"));
    CHECK(checked.err.find("slave-1") == std::string::npos);
    CHECK(all.apart("check-config --connect --json").err == checked.err);

    // If both are the same file, a line is there once.
    const command_result both = run_in_shell(all.line("verify") + " 2>&1");
    CHECK(both.text.find("slave-2: failed") == both.text.rfind("slave-2: failed"));

    on.slave(1).start();
    fill(on.at_slave(1), "/a/more-", 150);
    const streams held = all.apart("sync");
    CHECK(held.code == 4);
    CHECK(held.err.starts_with("slave-2: held: would delete 150 "));
    CHECK(held.out.find(held.err) != std::string::npos);
    CHECK(suggested(held.err, "approve", "slave-2").size() == 1);
}

TEST_CASE("the errors of an invalid configuration are on stderr, also with --json") {
    const commands all("[master]\nendpoints = []\n");
    for (const char* const command :
         {"check-config", "check-config --json", "sync --json", "verify", "explain --json /a"}) {
        const streams got = all.apart(command);
        CAPTURE(std::string(command));
        CHECK(got.code == 78);
        CHECK(got.err.find(": error: ") != std::string::npos);
    }
}

TEST_CASE("verify tells how far behind the master a slave is, and --max-behind limits that") {
    stage on(two_slaves());
    fill(on.at_master, "/a/", 20);
    const commands all(on.config());
    REQUIRE(all.apart("sync").code == 0);
    const std::int64_t synced = on.at_master.revision();

    // The slaves have all there is for them, however far the master is.
    for (int i = 0; i < 30; ++i) on.at_master.put("/other", "1");
    std::int64_t now = on.at_master.revision();
    CHECK(all.apart("verify --max-behind 0").code == 0);
    CHECK(all.apart("verify --slave slave-1").out ==
          fmt::format("slave-1: equal to the master at revision {}: 20 keys\n"
                      "1 of 1 slave compared, 0 differences, nothing written\n",
                      now));

    for (int i = 0; i < 29; ++i) now = on.at_master.put("/a/000001", fmt::format("{}", i));
    const streams behind = all.apart("verify --slave slave-1");
    CHECK(behind.code == 0);
    CHECK(behind.out == fmt::format("slave-1: equal to the master at revision {}, {} revisions behind {}: 20 keys\n"
                                    "1 of 1 slave compared, 0 differences, nothing written\n",
                                    synced, now - synced, now));
    CHECK(all.apart("verify --json --slave slave-1")
              .out.find(fmt::format(R"("state":"equal","revision":{},"master_revision":{},"behind":{},)", synced, now,
                                    now - synced)) != std::string::npos);
    CHECK(all.apart(fmt::format("verify --max-behind {}", now - synced)).code == 0);
    const streams too_far = all.apart(fmt::format("verify -q --max-behind {} --slave slave-1", now - synced - 1));
    CHECK(too_far.code == 2);
    CHECK(too_far.out ==
          fmt::format("slave-1: equal to the master at revision {}, {} revisions behind {}, too far: 20 keys\n", synced,
                      now - synced, now));
    const streams as_json = all.apart("verify --json --max-behind 0");
    CHECK(as_json.code == 2);
    CHECK(as_json.out.find(R"("differences":0,"too_far_behind":2,)") != std::string::npos);

    CHECK(all.apart("verify --repair --max-behind 0").code == 0);
    CHECK(all.apart("verify --max-behind 0").code == 0);
    CHECK(on.exact());
}
