// SPDX-License-Identifier: Apache-2.0
// Applies another configuration to a running replicator between etcds in memory.
#include "unit/replication/setup/two_slaves.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

/// Checks that the first slave was not disturbed: it has the same connection, and no key was written twice.
struct undisturbed {
    explicit undisturbed(const two_slaves& of) : w(of), dials(of.dials("slave")), before(of.link("default")) {}

    void check(std::uint64_t puts, std::uint64_t deletes = 0) const {
        const link_status now = w.link("default");
        CHECK(w.dials("slave") == dials);
        CHECK(now.puts == before.puts + puts);
        CHECK(now.deletes == before.deletes + deletes);
        CHECK(now.applied >= before.applied);
        CHECK(now.state == link_state::in_sync);
    }

    const two_slaves& w;
    std::ptrdiff_t dials;
    link_status before;
};

}  // namespace

TEST_CASE("an added slave is synced while the others follow") {
    two_slaves w;
    const config::config both = w.settings;
    w.settings.slaves.pop_back();
    w.many(50, "v");
    w.start();
    REQUIRE(w.settles());
    const undisturbed first(w);
    const auto of_master = w.dials("master");
    w.settings = both;
    w.apply();
    w.put("/a/00001", "changed meanwhile");
    CHECK(w.both_settle());
    first.check(1);
    CHECK(w.dials("master") - of_master <= 3);  // those of the new link: the feed reads the same keys as before
    CHECK(w.link("other").puts >= 50);
    w.put("/a/after", "v");
    CHECK(w.both_settle());
    first.check(2);
    CHECK(w.untruth().empty());
}

TEST_CASE("a removed slave is no longer written to, and the others follow") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    const undisturbed first(w);
    const auto of_other = w.dials("other");
    const std::int64_t left_at = w.other.revision();
    w.settings.slaves.pop_back();
    w.apply();
    CHECK(w.current().links.size() == 1);
    w.put("/a/00001", "later");
    w.del("/a/00002");
    REQUIRE(w.settles());
    w.eventually([] { return false; }, 10min);
    first.check(1, 1);
    CHECK(w.other.revision() == left_at + 2);  // the checkpoint without a writer, and the end of the leader key
    CHECK(w.dials("other") == of_other);
    CHECK(w.link().applied == w.master.revision());
}

TEST_CASE("a slave with another dest is rebuilt, and the other slave is not") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    const undisturbed first(w);
    w.settings.slaves[1].dest = "/copy";
    w.apply();
    w.put("/a/00001", "later");
    const auto is_moved = [&] {
        return w.link("other").state == link_state::in_sync && w.other.keys().contains("/copy/a/00049") &&
               w.other.keys().at("/copy/a/00001") == "later";
    };
    CHECK(w.eventually(is_moved));
    CHECK(w.settles());
    first.check(1);
}

TEST_CASE("a rule that is added for one slave is read from then on, and no change of the other rules is missed") {
    two_slaves w;
    w.many(50, "v");
    w.put("/b/1", "before");
    w.start();
    REQUIRE(w.both_settle());
    const undisturbed first(w);
    w.settings.slaves[1].rules.push_back(w.add_rule("/b/"));
    w.put("/a/00001", "just before");
    w.begin_apply();
    w.put("/a/00002", "with it");
    w.put("/b/2", "with it");
    w.loop.settle();
    w.put("/a/00003", "just after");
    w.put("/b/3", "just after");
    w.del("/b/1");
    CHECK(w.both_settle("/a/", "/"));
    first.check(3);
    w.put("/b/4", "later");
    w.put("/a/00004", "later");
    CHECK(w.both_settle("/a/", "/"));
    first.check(4);
    CHECK(w.untruth().empty());
    // The event that proves the master's history was selected by the former rules.
    w.master_server.cut();
    w.put("/b/5", "after a break");
    CHECK(w.both_settle("/a/", "/"));
    first.check(4);
}

TEST_CASE("a removed rule is no longer read; the slave keeps its keys") {
    two_slaves w;
    w.settings.slaves[1].rules.push_back(w.add_rule("/b/"));
    w.many(5, "v");
    w.start();
    REQUIRE(w.both_settle());
    w.put("/b/1", "the last event of the feed");
    REQUIRE(w.both_settle("/a/", "/"));
    const undisturbed first(w);
    w.settings.slaves[1].rules = {0};
    w.settings.rules.pop_back();
    w.apply();
    w.put("/b/2", "no rule");
    w.put("/a/00001", "later");
    CHECK(w.both_settle());
    first.check(1);
    CHECK(w.other.keys().at("/b/1") == "the last event of the feed");
    CHECK_FALSE(w.other.keys().contains("/b/2"));
    // The master's history is still proved, although its last event belongs to no rule.
    w.master_server.cut();
    w.put("/a/00002", "after a break");
    CHECK(w.both_settle());
    first.check(2);
}

TEST_CASE("a changed guard takes effect without a full sync") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    const undisturbed first(w);
    const auto written = w.other.revision();
    w.settings.slaves[1].guards.prune = config::prune_mode::off;
    w.apply();
    CHECK(w.both_settle());
    CHECK(w.link("other").puts == 0);
    // The checkpoint without a writer, the end of the leader key and a new one, the claim of the checkpoint.
    CHECK(w.other.revision() == written + 4);
    w.put("/a/00001", "later");
    CHECK(w.both_settle());
    first.check(1);
}

TEST_CASE("another endpoint of the master rebuilds everything; each slave continues at its position") {
    two_slaves w;
    test::model_server twin(w.loop, w.dialer, "http://twin:1", w.master);
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    const auto of_slave = w.dials("slave");
    w.settings.master.endpoints[0].url = "http://twin:1";
    w.settings.master.endpoints[0].host = "twin";
    w.apply();
    w.put("/a/00001", "later");
    twin.changed();
    CHECK(w.both_settle());
    CHECK(w.current().master.endpoint == "http://twin:1");
    CHECK(w.dials("slave") == of_slave + 2);  // the link and the leader
    CHECK(w.link("default").puts == 1);
    CHECK(w.link("other").puts == 1);
    w.stop();
}

TEST_CASE("if two configurations are applied at once, the later one is in effect in the end") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    const undisturbed first(w);
    const config::config both = w.settings;
    w.settings.slaves.pop_back();
    w.begin_apply();
    w.settings = both;
    w.settings.slaves[1].rules.push_back(w.add_rule("/b/"));
    w.begin_apply();
    w.put("/b/1", "v");
    CHECK(w.both_settle("/a/", "/"));
    first.check(0);
    CHECK(w.current().links.size() == 2);
}

TEST_CASE("a slave that is added again with its old checkpoint gets all changes that were not read meanwhile") {
    two_slaves w;
    w.settings.slaves[1].rules = {w.add_rule("/b/")};
    w.many(5, "v");
    w.put("/b/1", "v");
    w.put("/b/2", "v");
    w.start();
    REQUIRE(w.both_settle("/a/", "/b/"));
    const config::config both = w.settings;
    w.settings.slaves.pop_back();
    w.settings.rules.pop_back();
    w.apply();
    w.put("/b/1", "changed while it was not read");
    w.del("/b/2");
    w.put("/a/00001", "later");
    REQUIRE(w.settles());
    const undisturbed first(w);
    w.settings = both;
    w.apply();
    CHECK(w.both_settle("/a/", "/b/"));
    CHECK(w.link("other").puts == 1);
    CHECK(w.link("other").deletes == 1);
    w.put("/a/00001", "later still");
    CHECK(w.both_settle("/a/", "/b/"));
    first.check(1);
}

TEST_CASE("a configuration is applied while a slave is down, and the slave is synced when it returns") {
    for (const bool silently : {false, true}) {
        two_slaves w;
        w.many(50, "v");
        w.start();
        REQUIRE(w.both_settle());
        const undisturbed first(w);
        w.other_server.refuse(true);
        if (silently)
            w.other_server.stall(true);
        else
            w.other_server.cut();
        w.put("/a/00001", "while it is down");
        w.settings.slaves[1].rules.push_back(w.add_rule("/b/"));
        w.put("/b/1", "v");
        w.apply();
        CHECK(w.settles());
        w.eventually([] { return false; }, 1min);
        w.other_server.stall(false);
        w.other_server.refuse(false);
        CHECK(w.both_settle("/a/", "/"));
        first.check(1);
    }
}

TEST_CASE("a configuration is applied during a full sync, which continues where it was") {
    two_slaves w;
    w.settings.slaves.pop_back();
    w.many(2'000, std::string(1'000, 'v'));
    config::slave other = w.settings.slaves[0];
    other.name = "other";
    other.endpoints[0].url = "http://other:1";
    other.endpoints[0].host = "other";
    other.rules = {w.add_rule("/b/")};
    bool applied = false;
    w.slave_server.script = [&](std::uint64_t number) {
        if (number > 1 && w.link().puts > 500 && !std::exchange(applied, true)) {
            CHECK(w.link().state == link_state::full_sync);
            w.settings.slaves.push_back(other);
            w.begin_apply();
            w.put("/b/1", "v");
            w.put("/a/00001", "changed behind the frontier");
        }
        return test::fault::none;
    };
    w.start();
    CHECK(w.both_settle("/a/", "/b/"));
    CHECK(applied);
    CHECK(w.dials("slave") == 2);  // the link and the leader
    CHECK(w.link("default").puts == 2'001);
    CHECK(w.untruth().empty());
}

TEST_CASE("a slave is removed during its full sync; one Txn in flight may complete") {
    two_slaves w;
    w.many(2'000, std::string(1'000, 'v'));
    std::int64_t left_at = 0;
    w.other_server.script = [&](std::uint64_t number) {
        if (number == 8 && left_at == 0) {
            w.settings.slaves.pop_back();
            w.begin_apply();
            left_at = w.other.revision();
        }
        return test::fault::none;
    };
    w.start();
    CHECK(w.settles());
    CHECK(left_at > 1);
    CHECK(w.other.revision() <= left_at + 1);
    CHECK(w.eventually([&] { return w.current().links.size() == 1; }));
}

TEST_CASE("a stop during a reload ends both") {
    two_slaves w;
    w.many(50, "v");
    w.start();
    REQUIRE(w.both_settle());
    w.other_server.stall(true);
    w.put("/a/00001", "in flight forever");
    w.settings.slaves[1].dest = "/copy";
    w.begin_apply();
    w.loop.settle();
    w.stop();
    CHECK(w.exact());
}

TEST_CASE("in consistency = \"rule\" a rule is added and removed with its own feed") {
    two_slaves w;
    w.settings.replicate.consistency = config::consistency_mode::rule;
    w.many(5, "v");
    w.put("/b/1", "v");
    w.start();
    REQUIRE(w.both_settle());
    const undisturbed first(w);
    w.settings.slaves[1].rules.push_back(w.add_rule("/b/"));
    w.apply();
    CHECK(w.current().links.size() == 3);
    CHECK(w.current().links.at(2).name == "other//b/");
    CHECK(w.eventually([&] { return w.is_copied(w.other, "/b/") && w.is_copied(w.other, "/a/"); }));
    w.put("/a/00001", "later");
    CHECK(w.settles());
    first.check(1);
    w.settings.slaves[1].rules.pop_back();
    w.settings.rules.pop_back();
    w.apply();
    CHECK(w.current().links.size() == 2);
    w.put("/a/00002", "later");
    w.put("/b/2", "no rule");
    CHECK(w.both_settle());
    w.eventually([] { return false; }, 1min);
    CHECK_FALSE(w.other.keys().contains("/b/2"));
    first.check(2);
}

TEST_CASE("the next reload completes a canceled one") {
    two_slaves w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.both_settle());
    w.other_server.stall(true);
    w.put("/a/00001", "in flight forever");
    w.loop.settle();
    w.settings.slaves[1].dest = "/copy";
    {
        aio::task_group reload(w.loop.executor(), [](const std::string&, const std::exception_ptr&) {});
        w.apply_in(reload);
        w.loop.settle();
        reload.cancel();
        w.loop.settle();
        CHECK(reload.empty());
    }
    CHECK(w.current().links.size() == 2);  // one of them is being removed
    w.other_server.stall(false);
    w.apply();
    CHECK(w.current().links.size() == 2);
    CHECK(w.eventually([&] { return w.other.keys().contains("/copy/a/00004"); }));
    CHECK(w.settles());
}

TEST_CASE("if several configurations are applied in quick succession, the last one wins") {
    two_slaves w;
    w.many(5, "v");
    w.start();
    REQUIRE(w.both_settle());
    w.other_server.script = [](std::uint64_t) { return test::fault::lost; };
    w.put("/a/00001", "in flight");
    REQUIRE(w.eventually([&] { return w.is_copied(w.slave, "/a/"); }));
    w.settings.slaves[1].dest = "/first";
    w.begin_apply();
    w.loop.settle();
    w.settings.slaves[1].dest = "/second";
    w.begin_apply();
    w.settings.slaves[1].dest = "/third";
    w.begin_apply();
    w.other_server.script = nullptr;
    REQUIRE(w.eventually([&] { return w.applied().size() == 3; }));
    CHECK(std::ranges::count(w.applied(), true) == 2);
    CHECK(w.eventually([&] { return w.other.keys().contains("/third/a/00001"); }));
    CHECK_FALSE(w.other.keys().contains("/second/a/00001"));
}

TEST_CASE("a rebuilt or added link does not run a full sync for an earlier watch violation") {
    two_slaves w;
    w.many(20, "v");
    w.start();
    REQUIRE(w.both_settle());
    bool spoiled = false;
    w.master_server.spoil = [&](etcdserverpb::WatchResponse& answer) {
        if (answer.events_size() == 0 || std::exchange(spoiled, true)) return;
        answer.mutable_events(0)->mutable_kv()->set_mod_revision(3);  // long before the others
    };
    w.put("/a/00003", "v2");
    REQUIRE(w.eventually([&] { return spoiled; }));
    REQUIRE(w.both_settle());
    const auto syncs = w.lines.count("watch protocol violation by the master");
    CHECK(syncs == 2);
    w.settings.slaves[1].guards.max_delete.amount = 3;
    w.apply();
    w.put("/a/00004", "v2");
    CHECK(w.both_settle());
    CHECK(w.lines.count("watch protocol violation by the master") == syncs);
}
