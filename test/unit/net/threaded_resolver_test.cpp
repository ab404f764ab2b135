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

/// A lookup function with names that hang until release(). Shared with the threads.
class slow_names {
public:
    explicit slow_names(std::set<std::string> hang) : hang_(std::move(hang)) {}

    net::name_resolver::answer ask(const std::string& host) {
        std::unique_lock<std::mutex> lock(mutex_);
        started_.push_back(host);
        changed_.notify_all();
        changed_.wait(lock, [&] { return !hang_.contains(host); });
        ++answered_;
        changed_.notify_all();
        if (host == "none.example") return base::error("Host not found");
        return std::vector<aio::asio::ip::address>{aio::asio::ip::address_v4::loopback()};
    }
    void release(const std::string& host) {
        const std::lock_guard<std::mutex> lock(mutex_);
        hang_.erase(host);
        changed_.notify_all();
    }
    bool has_started(std::size_t count) {
        std::unique_lock<std::mutex> lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return started_.size() >= count; });
    }
    bool has_answered(std::size_t count) {
        std::unique_lock<std::mutex> lock(mutex_);
        return changed_.wait_for(lock, 10s, [&] { return answered_ >= count; });
    }
    std::vector<std::string> lookups() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return started_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string> hang_;
    std::vector<std::string> started_;
    std::size_t answered_ = 0;
};

struct fixture {
    explicit fixture(std::set<std::string> hang, std::size_t max_threads = 4)
        : names(std::make_shared<slow_names>(std::move(hang))),
          resolver([all = names](const std::string& host) { return all->ask(host); }, max_threads) {}

    /// Looks up a name and records the answer under `who`.
    std::shared_ptr<void> look_up(const std::string& host, const std::string& who) {
        return resolver.look_up(io->get_executor(), host, [this, who](const net::name_resolver::answer& found) {
            CHECK(std::this_thread::get_id() == here);
            answers[who] = found ? found->at(0).to_string() : found.error().text;
        });
    }
    bool gets_answer(const std::string& who) {
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!answers.contains(who) && std::chrono::steady_clock::now() < until) {
            io->restart();
            io->run_one_for(100ms);
        }
        return answers.contains(who);
    }

    std::thread::id here = std::this_thread::get_id();
    std::shared_ptr<slow_names> names;
    std::map<std::string, std::string> answers;
    std::optional<aio::asio::io_context> io{std::in_place, 1};
    net::threaded_resolver resolver;
};

}  // namespace

TEST_CASE("a slow name does not delay other names") {
    fixture r({"slow.example"});
    const auto slow = r.look_up("slow.example", "slow");
    REQUIRE(r.names->has_started(1));
    for (const std::string host : {"good.example", "none.example"}) {
        const auto handle = r.look_up(host, host);
        CHECK(r.gets_answer(host));
    }
    CHECK(r.answers ==
          std::map<std::string, std::string>{{"good.example", "127.0.0.1"}, {"none.example", "Host not found"}});
    r.names->release("slow.example");
    CHECK(r.gets_answer("slow"));
    CHECK(r.answers["slow"] == "127.0.0.1");
}

TEST_CASE("callers that ask for the same name share one lookup; a later call starts a new one") {
    fixture r({"slow.example"});
    const auto first = r.look_up("slow.example", "first");
    REQUIRE(r.names->has_started(1));
    const auto second = r.look_up("slow.example", "second");
    r.names->release("slow.example");
    CHECK(r.gets_answer("first"));
    CHECK(r.gets_answer("second"));
    CHECK(r.names->lookups().size() == 1);
    const auto third = r.look_up("slow.example", "third");
    CHECK(r.gets_answer("third"));
    CHECK(r.names->lookups().size() == 2);
}

TEST_CASE("a running lookup without callers serves the next caller") {
    fixture r({"slow.example"});
    auto first = r.look_up("slow.example", "first");
    REQUIRE(r.names->has_started(1));
    first.reset();
    const auto second = r.look_up("slow.example", "second");
    r.names->release("slow.example");
    CHECK(r.gets_answer("second"));
    CHECK_FALSE(r.answers.contains("first"));
    CHECK(r.names->lookups().size() == 1);
}

TEST_CASE("names beyond the limit of threads wait, and are dropped if their handle is released") {
    fixture r({"1.example", "2.example"}, 2);
    const auto one = r.look_up("1.example", "1");
    const auto two = r.look_up("2.example", "2");
    REQUIRE(r.names->has_started(2));
    auto dropped = r.look_up("3.example", "3");
    const auto waits = r.look_up("4.example", "4");
    dropped.reset();
    r.io->run_for(20ms);
    CHECK(r.answers.empty());
    r.names->release("1.example");
    CHECK(r.gets_answer("1"));
    CHECK(r.gets_answer("4"));
    r.names->release("2.example");
    CHECK(r.gets_answer("2"));
    const std::vector<std::string> lookups = r.names->lookups();
    CHECK(lookups.size() == 3);
    CHECK(lookups.back() == "4.example");
}

TEST_CASE("a loop may be destroyed while a lookup hangs") {
    fixture r({"slow.example"});
    auto handle = r.look_up("slow.example", "gone");
    REQUIRE(r.names->has_started(1));
    CHECK_FALSE(r.io->stopped());
    CHECK(r.io->poll() == 0);
    CHECK_FALSE(r.io->stopped());  // it waits for the answer
    handle.reset();
    r.io->poll();
    CHECK(r.io->stopped());
    r.io.reset();
    r.names->release("slow.example");
    CHECK(r.names->has_answered(1));
    CHECK(r.answers.empty());
}
