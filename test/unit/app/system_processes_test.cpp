// SPDX-License-Identifier: Apache-2.0
#include "app/process/system_processes.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace etcdsync;

TEST_CASE("a process knows where it runs, and that it runs") {
    const app::system_processes all;
    const base::process_identity own = all.self();
    CHECK(own.pid == ::getpid());
    CHECK(own.boot_id.size() == 36);
    CHECK(own.pid_namespace > 0);
    CHECK(own.start_time > 0);
    CHECK(own == app::system_processes().self());
    CHECK_FALSE(all.is_gone(own.pid, own.start_time));
    CHECK(all.is_gone(own.pid, own.start_time + 1));
    CHECK_FALSE(all.is_gone(0, 0));
    CHECK_FALSE(all.is_gone(-1, 0));
    CHECK_FALSE(all.is_gone(std::int64_t{1} << 40, 0));
}

TEST_CASE("a process of another user runs, too") {
    const app::system_processes all;
    CHECK(all.is_gone(1, std::uint64_t{1} << 40));  // pid 1 runs since another time
}

TEST_CASE("a process that was killed is gone, even before its parent has waited for it") {
    const app::system_processes all;
    const pid_t child = ::fork();
    if (child == 0) {
        for (;;) ::pause();
    }
    REQUIRE(child > 0);
    std::string line;
    std::ifstream file("/proc/" + std::to_string(child) + "/stat");
    REQUIRE(std::getline(file, line));
    const auto stat = app::parse_process_stat(line);
    REQUIRE(stat.has_value());
    const std::uint64_t start_time = stat->start_time;
    CHECK_FALSE(all.is_gone(child, start_time));
    ::kill(child, SIGKILL);
    siginfo_t ended{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT) == 0);
    CHECK(all.is_gone(child, start_time));
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK(all.is_gone(child, start_time));
}

TEST_CASE("the line of a process in /proc is read whatever its program is called") {
    const std::string fields = " S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 20 18446744073709551615";
    for (const std::string name : {"(etcd-sync)", "(a) Z 1 (b)", "()"}) {
        const auto found = app::parse_process_stat("42 " + name + fields);
        REQUIRE(found.has_value());
        CHECK(found->state == 'S');
        CHECK(found->start_time == 987'654);
    }
    CHECK_FALSE(app::parse_process_stat("").has_value());
    CHECK_FALSE(app::parse_process_stat("42 (a) S 1 2").has_value());
    CHECK_FALSE(app::parse_process_stat("42 (a)").has_value());
    CHECK_FALSE(app::parse_process_stat("42 (a) ").has_value());
}
