// SPDX-License-Identifier: Apache-2.0
#include "net/threaded_resolver.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace etcdsync;
using namespace std::chrono_literals;

namespace {

/// Names that hang until they are let go. Shared with the threads that ask.
class slow_names {
public:
    explicit slow_names(std::set<std::string> hang) : hang_(std::move(hang)) {}

    net::name_resolver::answer ask(const std::string& host) {
        std::unique_lock<std::mutex> alone(mutex_);
        asked_.push_back(host);
        changed_.notify_all();
        changed_.wait(alone, [&] { return !hang_.contains(host); });
        ++answered_;
        changed_.notify_all();
        if (host == "none.example") return base::error("Host not found");
        return std::vector<aio::asio::ip::address>{aio::asio::ip::address_v4::loopback()};
    }
    void let_go(const std::string& host) {
        const std::lock_guard<std::mutex> alone(mutex_);
        hang_.erase(host);
        changed_.notify_all();
    }
    bool has_asked(std::size_t count) {
        std::unique_lock<std::mutex> alone(mutex_);
        return changed_.wait_for(alone, 10s, [&] { return asked_.size() >= count; });
    }
    bool has_answered(std::size_t count) {
        std::unique_lock<std::mutex> alone(mutex_);
        return changed_.wait_for(alone, 10s, [&] { return answered_ >= count; });
    }
    std::vector<std::string> asked() {
        const std::lock_guard<std::mutex> alone(mutex_);
        return asked_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> hang_;
    std::vector<std::string> asked_;
    std::size_t answered_ = 0;
};

struct rig {
    explicit rig(std::set<std::string> hang, std::size_t most_threads = 4)
        : names(std::make_shared<slow_names>(std::move(hang))),
          resolver([all = names](const std::string& host) { return all->ask(host); }, most_threads) {}

    /// Remembers the answer as that of `who`.
    std::shared_ptr<void> look_up(const std::string& host, const std::string& who) {
        return resolver.look_up(io->get_executor(), host, [this, who](const net::name_resolver::answer& found) {
            CHECK(std::this_thread::get_id() == here);
            told[who] = found ? found->at(0).to_string() : found.error().text;
        });
    }
    bool hears(const std::string& who) {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!told.contains(who) && std::chrono::steady_clock::now() < until) {
            io->restart();
            io->run_one_for(100ms);
        }
        return told.contains(who);
    }

    std::thread::id here = std::this_thread::get_id();
    std::shared_ptr<slow_names> names;
    std::map<std::string, std::string> told;
    std::optional<aio::asio::io_context> io{std::in_place, 1};
    net::threaded_resolver resolver;
};

}  // namespace

TEST_CASE("a name that takes long holds up no other name") {
    rig r({"slow.example"});
    const auto slow = r.look_up("slow.example", "slow");
    REQUIRE(r.names->has_asked(1));
    for (const std::string host : {"good.example", "none.example"}) {
        const auto interest = r.look_up(host, host);
        CHECK(r.hears(host));
    }
    CHECK(r.told ==
          std::map<std::string, std::string>{{"good.example", "127.0.0.1"}, {"none.example", "Host not found"}});
    r.names->let_go("slow.example");
    CHECK(r.hears("slow"));
    CHECK(r.told["slow"] == "127.0.0.1");
}

TEST_CASE("a name is asked for once at a time, and all who want it are told; then it is asked for anew") {
    rig r({"slow.example"});
    const auto first = r.look_up("slow.example", "first");
    REQUIRE(r.names->has_asked(1));
    const auto second = r.look_up("slow.example", "second");
    r.names->let_go("slow.example");
    CHECK(r.hears("first"));
    CHECK(r.hears("second"));
    CHECK(r.names->asked().size() == 1);
    const auto third = r.look_up("slow.example", "third");
    CHECK(r.hears("third"));
    CHECK(r.names->asked().size() == 2);
}

TEST_CASE("a look-up that nobody waits for any more serves who comes next") {
    rig r({"slow.example"});
    auto first = r.look_up("slow.example", "first");
    REQUIRE(r.names->has_asked(1));
    first.reset();
    const auto second = r.look_up("slow.example", "second");
    r.names->let_go("slow.example");
    CHECK(r.hears("second"));
    CHECK_FALSE(r.told.contains("first"));
    CHECK(r.names->asked().size() == 1);
}

TEST_CASE("a name beyond the bound of threads waits; where it is let go of meanwhile it is not asked for") {
    rig r({"1.example", "2.example"}, 2);
    const auto one = r.look_up("1.example", "1");
    const auto two = r.look_up("2.example", "2");
    REQUIRE(r.names->has_asked(2));
    auto dropped = r.look_up("3.example", "3");
    const auto waits = r.look_up("4.example", "4");
    dropped.reset();
    r.io->run_for(20ms);
    CHECK(r.told.empty());
    r.names->let_go("1.example");
    CHECK(r.hears("1"));
    CHECK(r.hears("4"));
    r.names->let_go("2.example");
    CHECK(r.hears("2"));
    const std::vector<std::string> asked = r.names->asked();
    CHECK(asked.size() == 3);
    CHECK(asked.back() == "4.example");
}

TEST_CASE("a loop need not live until a look-up that hangs ends") {
    rig r({"slow.example"});
    auto interest = r.look_up("slow.example", "gone");
    REQUIRE(r.names->has_asked(1));
    CHECK_FALSE(r.io->stopped());
    CHECK(r.io->poll() == 0);
    CHECK_FALSE(r.io->stopped());  // it waits for the answer
    interest.reset();
    r.io->poll();
    CHECK(r.io->stopped());
    r.io.reset();
    r.names->let_go("slow.example");
    CHECK(r.names->has_answered(1));
    CHECK(r.told.empty());
}
