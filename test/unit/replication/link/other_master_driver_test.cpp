// SPDX-License-Identifier: Apache-2.0
// A master that is wiped and refilled while a link proves it: what one connection showed says nothing about another master.
#include "unit/replication/world.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;
using test::fault;

namespace {

/// The master, and another one at the same address with the same ids, which was refilled with values of its own. Connections
/// that were open stay at the master they were opened to.
struct two_masters : world {
    two_masters() {
        settings.slaves[0].guards.max_delete.amount = 10;
        settings.replicate.log_limit.value = 1U << 10;
        settings.replicate.memory_limit.value = 1U << 20;
        refilled_server.refuses_status = true;  // it has the same first keys: its raft log would seem to go on
    }
    ~two_masters() { stop(); }
    two_masters(const two_masters&) = delete;

    /// In sync with 150 keys; then the slave is away, and all keys change, most of them twice.
    void leave_slave_behind() {
        many(150, "v");
        start();
        REQUIRE(settles());
        slave_server.refuse(true);
        slave_server.cut();
        many(150, "a value of some length, so that the log does not hold them all");
        many(150, "another value of some length, so that the log does not hold them all");
        for (int i = 0; i < 20; ++i) put("/elsewhere", "moves the revision of the master");
        master_server.notify_progress();
        eventually([] { return false; }, 1s);
    }

    /// New connections lead to the other master. Nothing there contradicts the checkpoint of the slave. `compacted_back`: so many
    /// revisions can still be read.
    void replace_master(std::int64_t compacted_back) {
        for (int i = 0; refilled.revision() < master.revision(); ++i)
            refilled.put(fmt::format("/a/{:05}", i % 150), "refilled");
        refilled.compact(refilled.revision() - compacted_back);
        refilled_server.refuse(false);
    }

    /// The feed reads from the other master: after it read the revision, and found E compacted, it has opened its second watch.
    [[nodiscard]] bool follows_refilled() const { return refilled_server.requests() >= 3; }

    /// The slave is held before anything of the other master is written.
    void check_held() {
        const auto wrong = [this] {
            for (const auto& [key, value] : mirrored(slave.keys())) {
                if (value == "refilled") return true;
            }
            return lines.count("in sync") > 1;
        };
        CHECK(eventually([&] { return link().state == link_state::held || wrong(); }));
        CHECK_MESSAGE(link().state == link_state::held, told());
        CHECK_FALSE(wrong());
        CHECK(lines.count("history has diverged") == 0);  // the feed alone did not notice
    }

    test::model_etcd refilled;
    test::model_server refilled_server{loop, dialer, "http://master:1", refilled};
};

}  // namespace

TEST_CASE(
    "a feed that goes to another master while a link proves the old one is not taken for the one that was proven") {
    two_masters w;
    w.master_server.refuse(false);
    w.leave_slave_behind();
    // The link gets a server of its own at the old master, so that the feed's connection can break alone.
    test::model_server of_link(w.loop, w.dialer, "http://master:1", w.master);
    bool asked = false;
    of_link.script = [&](std::uint64_t) {
        asked = true;
        return fault::none;
    };
    w.slave_server.refuse(false);
    REQUIRE(w.eventually([&] { return asked; }));
    of_link.stall(true);
    w.replace_master(0);
    w.master_server.cut();
    REQUIRE(w.eventually([&] { return w.follows_refilled(); }, 4s));
    of_link.stall(false);
    w.refilled_server.refuse(false);  // new connections still lead to the other master
    w.check_held();
}

TEST_CASE(
    "a feed that goes to another master while a link claims the checkpoint is not trusted because of the old one") {
    two_masters w;
    w.master_server.refuse(false);
    w.leave_slave_behind();
    constexpr std::uint64_t claim = 4;  // after three reads of the checkpoints
    const std::uint64_t from = w.slave_server.requests();
    w.slave_server.script = [&](std::uint64_t number) {
        if (number == from + claim) w.slave_server.stall(true);
        return fault::none;
    };
    w.slave_server.refuse(false);
    REQUIRE(w.eventually([&] { return w.slave_server.requests() == from + claim; }));
    w.replace_master(0);
    w.master_server.cut();
    REQUIRE(w.eventually([&] { return w.follows_refilled(); }, 4s));
    w.slave_server.stall(false);
    w.check_held();
}

TEST_CASE("a link whose own connection leads to another master than the feed's, which has not noticed yet, is held") {
    two_masters w;
    w.master_server.refuse(false);
    w.leave_slave_behind();
    w.master_server.stall(true);  // as a master whose host lost its power: the feed waits
    w.replace_master(100);
    w.slave_server.refuse(false);
    w.check_held();
}
