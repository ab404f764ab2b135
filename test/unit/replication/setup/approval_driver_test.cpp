// SPDX-License-Identifier: Apache-2.0
// `sync --approve` over etcds in memory: "default" is held, "other" is not. The preview equals what the approval then does, and
// nothing happens on the other slave.
#include "replication/compare/inspection.hpp"
#include "replication/compare/page_reader.hpp"
#include "replication/record/record_set.hpp"
#include "replication/setup/clusters.hpp"
#include "unit/replication/setup/two_slaves.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace etcdsync::replication;

namespace {

/// Both slaves are in sync, and each has a foreign key.
struct with_foreign_keys : two_slaves {
    with_foreign_keys() {
        for (config::slave& one : settings.slaves) one.guards.max_delete.amount = 10;
        many(500, "v");
        for (test::model_etcd* const store : {&slave, &other}) store->put("/a/foreign", "there before the first sync");
        start();
        REQUIRE(both_in_sync());
        put("/a/00499", "proves the master's history");
        REQUIRE(eventually([this] { return slave.keys().at("/a/00499") == other.keys().at("/a/00499"); }));
        REQUIRE(both_in_sync());
        stop();
    }

    bool both_in_sync() {
        return eventually([this] {
            return link("default").state == link_state::in_sync && link("other").state == link_state::in_sync;
        });
    }

    /// What `sync -n` says about a slave.
    inspection_report preview(std::size_t i, bool approve, bool adopt) {
        const config::slave& to = settings.slaves[i];
        const record_set records = records_for(settings, to);
        inspection_settings how;
        how.checkpoint = records.wanted()[0].at;
        how.page_bytes = page_bytes(settings.replicate);
        how.safety = to.guards;
        how.approve = approve;
        how.adopt = adopt;
        how.at_present = true;
        aio::task_group tasks(loop.executor(), [](const std::string& task, const std::exception_ptr& error) {
            FAIL_CHECK(task << ": " << aio::describe(error));
        });
        const context with{loop.clock, random_, log_, tasks, settings.replicate.probe_interval, "", true};
        inspection one(with, records.wanted()[0].keys, etcd::cluster(dialer, loop.clock, tasks, options_for(to)),
                       etcd::cluster(dialer, loop.clock, tasks, options_for(settings.master)), how,
                       [](const difference&) { return true; });
        const inspection_report report = loop.run(one.run(), std::chrono::minutes(1));
        tasks.cancel();
        loop.run(tasks.join(), std::chrono::minutes(1));
        REQUIRE_FALSE(report.failed.has_value());
        return report;
    }

    /// Runs `sync --approve` to its end.
    void sync(adoption foreign = adoption::none, bool approve = true) {
        start({.once = true, .approve = approve, .foreign = foreign});
        REQUIRE_MESSAGE(eventually([this] { return running().finished(); }), told());
    }

private:
    etcd::cluster_options options_for(const config::cluster& of) {
        return cluster_options_for(of, settings.replicate, loop.clock, loop.executor(), files_, log_);
    }

    base::random_source random_{1};
    test::memory_files files_;
    observe::logger log_{lines, observe::log_level::debug};
};

/// 150 more keys on the slave "default" than the master has.
void too_many_deletes(two_slaves& w) {
    for (int i = 0; i < 150; ++i) w.slave.put("/a/more" + std::to_string(i), "put there by another client");
}

/// The history is compacted, every key that could prove it changed, and "default" has other values.
void unproven_overwrites(two_slaves& w) {
    for (int i = 0; i < 200; ++i) w.slave.put("/a/00" + std::to_string(100 + i), "put there by another client");
    w.many(500, "v");
    w.master.compact(w.master.revision());
    w.master_server.refuses_status = true;
    // Only "default" is concerned.
    w.stop();
    w.settings.slaves[1].guards.max_delete.amount = 100;
}

/// What holds "default".
struct kind {
    std::string_view name;
    void (*make)(two_slaves&);
};

const kind kinds[] = {{"max_delete", too_many_deletes}, {"unproven", unproven_overwrites}};

}  // namespace

TEST_CASE("an approval concerns the held link only, keeps foreign keys, and does what the preview shows") {
    for (const kind& one : kinds) {
        CAPTURE(one.name);
        with_foreign_keys w;
        one.make(w);
        CHECK_FALSE(w.preview(0, false, false).guard_violation.empty());
        const inspection_report shown = w.preview(0, true, false);
        CHECK(shown.approved);
        CHECK(shown.foreign == 1);
        CHECK(shown.adopted == 0);
        w.sync(adoption::none, false);
        CHECK(w.link("default").state == link_state::held);
        CHECK(w.link("default").approvable);
        CHECK(w.link("default").approved.empty());
        w.stop();
        w.sync();
        INFO(w.told());
        CHECK(w.link("default").state == link_state::in_sync);
        CHECK(w.link("default").approved.starts_with(shown.guard_violation));
        CHECK(w.link("default").puts == shown.missing + shown.different);
        CHECK(w.link("default").deletes == shown.extra);
        CHECK(w.link("default").foreign_keys == 1);
        CHECK(w.link("other").state == link_state::in_sync);
        CHECK(w.link("other").approved.empty());
        CHECK(w.link("other").foreign_keys == 1);
        CHECK(w.slave.keys().contains("/a/foreign"));
        CHECK(w.other.keys().contains("/a/foreign"));
        CHECK(w.preview(0, false, false).changes() == 0);
    }
}

TEST_CASE("with --foreign the foreign keys of the held link go, and those of the other link stay") {
    with_foreign_keys w;
    too_many_deletes(w);
    const inspection_report shown = w.preview(0, true, true);
    CHECK(shown.extra == 151);
    CHECK(shown.adopted == 1);
    CHECK(shown.foreign == 0);
    w.sync(adoption::if_held);
    CHECK(w.link("default").deletes == shown.extra);
    CHECK_FALSE(w.slave.keys().contains("/a/foreign"));
    CHECK(w.is_copied(w.slave, "/a/"));
    CHECK(w.other.keys().contains("/a/foreign"));
    CHECK(w.link("other").deletes == 0);
}

TEST_CASE("with --foreign and a name the foreign keys go although nothing holds the link") {
    with_foreign_keys w;
    w.settings.slaves.erase(w.settings.slaves.begin());  // --slave other
    const test::key_map untouched = w.slave.keys();
    w.sync(adoption::all);
    CHECK(w.link("other").state == link_state::in_sync);
    CHECK(w.link("other").deletes == 1);
    CHECK(w.link("other").approved.empty());
    CHECK(w.is_copied(w.other, "/a/"));
    CHECK(w.slave.keys() == untouched);
}

TEST_CASE("a wiped master, and another cluster, are told with their numbers, and approved for the held links alone") {
    with_foreign_keys w;
    test::model_etcd::settings how;
    SUBCASE("wiped") {}
    SUBCASE("another cluster") { how.cluster_id = 0xabc; }
    const auto was_at = w.master.revision();
    w.master_server.cut();
    w.master = test::model_etcd(how);
    w.put("/a/new", "v");
    w.sync(adoption::none, false);
    CAPTURE(w.told());
    for (const char* const name : {"default", "other"}) {
        const std::string cause = w.link(name).cause;
        CHECK(w.link(name).state == link_state::held);
        CHECK(w.link(name).approvable);
        CHECK(cause.find(", revision 2, keys 1; checkpoint: cluster cdf818194e3a8c32, revision " +
                         std::to_string(was_at) + ", keys 500); nothing was written") != std::string::npos);
        CHECK((cause.find("(master now: cluster abc,") != std::string::npos) == (how.cluster_id == 0xabc));
        CHECK(w.lines.count("warn held: needs approval slave=" + std::string(name)) == 1);
    }
    w.stop();
    w.settings.slaves.pop_back();  // --slave default
    const test::key_map untouched = w.other.keys();
    const inspection_report shown = w.preview(0, true, false);
    CHECK(shown.approved);
    CHECK(shown.missing == 1);
    CHECK(shown.extra == 500);
    w.sync();
    CHECK(w.link("default").state == link_state::in_sync);
    CHECK(w.link("default").puts == 1);
    CHECK(w.link("default").deletes == 500);
    CHECK(w.slave.keys().contains("/a/foreign"));
    CHECK(w.other.keys() == untouched);
}
