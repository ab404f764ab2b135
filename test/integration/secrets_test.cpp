// SPDX-License-Identifier: Apache-2.0
// Passwords, tokens and private keys do not leak.
#include "stage_with_users.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace etcdsync::test;

namespace {

std::string content(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

/// The base64 lines of a PEM file.
std::vector<std::string> lines_of(const std::string& path) {
    std::vector<std::string> lines;
    std::istringstream in(content(path));
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("-")) lines.push_back(line);
    }
    return lines;
}

std::set<std::filesystem::path> cores() {
    std::set<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(".")) {
        if (entry.path().filename().string().starts_with("core")) found.insert(entry.path());
    }
    return found;
}

/// Allows core dumps of child processes, as far as the machine permits.
void allow_cores() {
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    if (limit.rlim_max == 0) MESSAGE("the machine forbids core dumps, so this part of the test proves nothing");
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
}

bool leaves_no_core(pid_t process) {
    return content(fmt::format("/proc/{}/limits", process)).find("Max core file size        0                    0") !=
           std::string::npos;
}

/// A full pipe: a process that writes to it blocks.
class full_pipe {
public:
    explicit full_pipe(const std::string& directory) : path_(directory + "/full") {
        REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
        end_ = ::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
        while (::write(end_, "x", 1) == 1) {}
    }
    ~full_pipe() { ::close(end_); }
    full_pipe(const full_pipe&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
    int end_ = -1;
};

}  // namespace

TEST_CASE("no password, token or private key is in any output, even at the highest log level, or in a core dump") {
    const key_infrastructure keys;
    const scratch_dir place;
    std::vector<std::string> flags;
    std::regex token("[A-Za-z]{16}\\.[0-9]+");
    SUBCASE("simple tokens") { flags = {"--auth-token-ttl", "2"}; }
    SUBCASE("signed tokens (JWT)") {
        const certificate pair = rsa_key_pair(place.path());
        token = "eyJ[A-Za-z0-9_-]{10}";
        flags = {"--auth-token",
                 fmt::format("jwt,pub-key={},priv-key={},sign-method=RS256,ttl=2s", pair.cert, pair.key)};
    }
    stage_options how;
    how.master_listener = how.slave_listener = keys.listener(true);
    how.master_keys = keys.mutual();
    how.slaves = {keys.mutual()};
    how.tables = "[replication]\nprobe_interval = \"1s\"\n";
    stage_with_users all(flags, how);
    all.grant_all();
    const std::string canary = "canary-7c41f0-password";
    all.write_password(canary);
    for (users* of : all.both) of->set_password("syncer", canary);
    all.switch_on();
    fill(all.on.at_master, "/a/", 500);
    sync_daemon& sync = all.on.sync;
    allow_cores();
    sync.start({"-vv", "run"});
    REQUIRE(all.on.await_log("in sync"));
    CHECK(all.on.settle());
    // Errors are logged with more detail.
    all.on.slave().kill();
    all.on.slave().start();
    all.write_password(canary + "-wrong");
    for (users* of : all.both) of->set_password("syncer", canary + "-right");
    CHECK(all.on.await_log("invalid user ID or password"));
    all.write_password(canary + "-right");
    CHECK(all.on.settle());
    CHECK(leaves_no_core(sync.pid()));
    CHECK(content(fmt::format("/proc/{}/cmdline", sync.pid())).find(canary) == std::string::npos);
    const auto before = cores();
    sync.signal(SIGABRT);
    CHECK(sync.wait(10s) == 128 + SIGABRT);
    CHECK(cores() == before);
    for (const std::vector<std::string>& command : {std::vector<std::string>{"check-config"},
                                                    {"check-config", "--json"},
                                                    {"explain", "/a/1"},
                                                    {"sync", "--json"},
                                                    {"-vv", "sync"},
                                                    {"-vv", "verify"}})
        sync.run(command);
    const std::string output = sync.output();
    CHECK(output.size() > 1'000);
    CHECK(output.find("canary") == std::string::npos);
    CHECK_FALSE(std::regex_search(output, token));
    for (const std::string& line : lines_of(keys.client.key)) CHECK(output.find(line) == std::string::npos);
}

TEST_CASE("commands that open no connections leave no core dump either") {
    allow_cores();
    const scratch_dir place;
    const full_pipe blocked(place.path());
    const std::string config = place.path() + "/etcd-sync.toml";
    std::ofstream(config)
        << "[master]\nendpoints = [\"http://localhost:1\"]\nauth = { user = \"u\", password = \"canary\" }\n"
           "[[slave]]\nendpoints = [\"http://localhost:2\"]\n[[rule]]\nprefix = \"/a/\"\n";
    for (const std::vector<std::string>& command : {std::vector<std::string>{"check-config"}, {"explain", "/a/1"}}) {
        std::vector<std::string> words{std::getenv("ETCD_SYNC"), "-c", config};
        words.insert(words.end(), command.begin(), command.end());
        process writer(words, blocked.path());
        CHECK(eventually([&] { return leaves_no_core(writer.pid()); }, patience(5s)));
        CHECK(writer.running());
        const auto before = cores();
        writer.signal(SIGABRT);
        CHECK(writer.wait(10s) == 128 + SIGABRT);
        CHECK(cores() == before);
    }
}
