// SPDX-License-Identifier: Apache-2.0
// Every command that a line suggests is taken from that line and run: the preview shows exactly what the approval then does, and
// nothing happens on the other slave.
#include "stage.hpp"
#include "suggested.hpp"

#include <functional>
#include <set>

using namespace etcdsync::test;

namespace {

/// The keys that a preview lists with one of these marks.
std::set<std::string> listed(const std::string& preview, std::string_view marks) {
    std::set<std::string> out;
    std::istringstream lines(preview);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("  ") || marks.find(line[2]) == std::string_view::npos) continue;
        out.insert(line.substr(4, line.find("  ", 4) - 4));
    }
    return out;
}

/// The keys that a slave got, or lost, after a revision of its own.
std::set<std::string> written(etcd_client& slave, std::int64_t after, bool put) {
    std::set<std::string> out;
    for (const change& one : slave.history(after + 1)) {
        if (one.is_put == put && !one.key.starts_with(checkpoint_prefix)) out.insert(one.key);
    }
    return out;
}

/// slave-1 will be held, slave-2 is in order. Both were synced, and each has a foreign key.
struct two : stage {
    explicit two(const std::string& tables = {}) : stage(options(tables)) {
        fill(at_master, "/a/", 300);
        fill(at_master, "/b/", 300);
        for (std::size_t i : {0, 1}) at_slave(i).put("/a/foreign", "there before the first sync");
        REQUIRE(run(sync, {"sync"}).code == 0);
        at_master.put("/a/000001", "proves the history");
        at_master.put("/b/000001", "proves the history");
        REQUIRE(run(sync, {"sync"}).code == 0);
    }

    static stage_options options(const std::string& tables) {
        stage_options how;
        how.slaves = {"", ""};
        how.tables = tables;
        return how;
    }

    /// The only command of this kind that was suggested for slave-1, even if several lines say so.
    static std::string only(const std::string& output, std::string_view what, const std::string& slave = "slave-1") {
        const std::vector<std::string> all = suggested(output, what, slave);
        CAPTURE(output);
        CAPTURE(std::string(what));
        REQUIRE_FALSE(all.empty());
        CHECK(std::set<std::string>(all.begin(), all.end()).size() == 1);
        return all.front();
    }

    /// Runs both commands. Slave `i` changes as the first one shows, and the other slave does not change.
    void preview_and_approve(const std::string& preview, const std::string& approve, std::size_t i = 0) {
        etcd_client& bad = at_slave(i);
        etcd_client& good = at_slave(1 - i);
        const std::int64_t before = bad.revision();
        const std::int64_t untouched = good.revision();
        const command_result shown = run_in_shell(preview);
        CAPTURE(preview);
        CAPTURE(shown.text);
        CHECK(shown.code == 2);
        CHECK(bad.revision() == before);
        const command_result done = run_in_shell(approve);
        CAPTURE(approve);
        CAPTURE(done.text);
        CHECK(done.code == 0);
        CHECK(written(bad, before, true) == listed(shown.text, "+*"));
        CHECK(written(bad, before, false) == listed(shown.text, "-"));
        CHECK(listed(shown.text, "-+*").size() > 0);
        CHECK(written(good, untouched, true).empty());
        CHECK(written(good, untouched, false).empty());
        sync_daemon beside(config());  // `sync` may be running
        const command_result after = run(beside, {"verify", "--slave", fmt::format("slave-{}", i + 1)});
        CHECK(after.code == 0);
    }

    /// The commands of `sync`, which is held.
    void follow_the_result() {
        const command_result held = run(sync, {"sync"});
        CHECK(held.code == 4);
        const command_result dry = run(sync, {"sync", "-n", "-q"});
        CHECK(dry.code == 4);
        CHECK(only(dry.text, "approve") == only(held.text, "approve"));
        preview_and_approve(only(held.text, "preview"), only(held.text, "approve"));
    }

    /// The commands of the log of a daemon, which then continues by itself.
    void follow_the_log() {
        sync.start();
        REQUIRE(eventually([this] { return !suggested(sync.output(), "approve", "slave-1").empty(); }, patience(40s)));
        const std::string log = sync.output();
        const std::size_t in_sync = sync.logged("in sync\" slave=slave-1");
        preview_and_approve(only(log, "preview"), only(log, "approve"));
        CHECK(await_log("in sync\" slave=slave-1", in_sync, 60s));
        CHECK(sync.terminate() == 0);
    }

    [[nodiscard]] bool has_foreign(std::size_t i) { return !at_slave(i).range("/a/foreign", {}).empty(); }
};

/// Keys that only slave-1 has. A daemon that follows does not look for them.
void too_many_deletes(two& on) { fill(on.at_slave(0), "/a/more-", 150); }

/// slave-1 was away when the master deleted most keys, and the master compacted that. Another client put a key there meanwhile, so
/// that not all that it has more was deleted by the master.
void compacted_deletes(two& on) {
    on.at_slave(0).put("/a/more", "put there by another client");
    on.at_master.del("/a/000030", "/a/0003");
    on.at_master.del("/b/000100", "/b/0002");
    REQUIRE(run(on.sync, {"sync", "--slave", "slave-2"}).code == 0);
    on.at_master.compact(on.at_master.put("/a/last", "1"));
    REQUIRE(run(on.sync, {"sync", "--slave", "slave-2"}).code == 0);
}

void unproven_overwrites(two& on) {
    fill(on.at_slave(0), "/a/", 100, 7);
    // No key from before remains that could show that this is the same master.
    on.at_master.del("/a/", "/a0");
    on.at_master.del("/b/", "/b0");
    fill(on.at_master, "/a/", 300);
    fill(on.at_master, "/b/", 300);
    on.at_slave(1).put("/a/000001", on.at_master.range("/a/000001", {}).begin()->second);
    on.at_slave(1).put("/b/000001", on.at_master.range("/b/000001", {}).begin()->second);
    on.at_master.compact(on.at_master.revision());
}

void wipe(two& on, const std::vector<std::string>& flags = {}) {
    on.master.kill();
    on.master.wipe();
    on.master.add_flags(flags);
    on.master.start();
    fill(on.at_master, "/a/", 200);
    on.at_master.put("/b/000002", "other");
}

void replace_by_another_cluster(two& on) { wipe(on, {"--initial-cluster-token", "another"}); }

struct kind {
    const char* name;
    std::function<void(two&)> make;
};

const kind kinds[] = {
    {"max_delete", compacted_deletes},
    {"unproven", unproven_overwrites},
    {"wiped", [](two& on) { wipe(on); }},
    {"another cluster", replace_by_another_cluster},
};

}  // namespace

TEST_CASE("the commands that sync prints for a held slave preview and approve it, and touch no other slave") {
    for (const kind& one : kinds) {
        CAPTURE(one.name);
        two on;
        one.make(on);
        on.follow_the_result();
        CHECK(on.has_foreign(0));
        CHECK(on.has_foreign(1));
    }
}

TEST_CASE("the commands in the log of a daemon do the same, and it continues by itself") {
    for (const kind& one : kinds) {
        CAPTURE(one.name);
        two on("[replication]\nprobe_interval = \"500ms\"\n");
        one.make(on);
        on.follow_the_log();
        CHECK(on.has_foreign(0));
        CHECK(on.has_foreign(1));
    }
}

TEST_CASE("the commands for foreign keys in the log of a daemon delete those of the named slave only") {
    stage_options how;
    how.slaves = {"", ""};
    how.tables = "[replication]\nprobe_interval = \"500ms\"\n";
    stage on(how);
    fill(on.at_master, "/a/", 20);
    for (const std::size_t i : {0, 1}) on.at_slave(i).put("/a/foreign", "there before the first sync");
    on.start_and_sync();
    const std::string log = on.sync.output();
    const std::vector<std::string> previews = suggested(log, "preview", "slave-2");
    const std::vector<std::string> approvals = suggested(log, "approve", "slave-2");
    CAPTURE(log);
    REQUIRE(previews.size() == 1);
    REQUIRE(approvals.size() == 1);
    const std::int64_t before = on.at_slave(1).revision();
    const command_result shown = run_in_shell(previews[0]);
    CAPTURE(shown.text);
    CHECK(shown.code == 2);
    CHECK(shown.holds(": 1 only on the slave (1 of them foreign)\n"));
    CHECK(listed(shown.text, "-+*") == std::set<std::string>{"/a/foreign"});
    CHECK(on.at_slave(1).revision() == before);
    const command_result done = run_in_shell(approvals[0]);
    CAPTURE(done.text);
    CHECK(done.code == 0);
    CHECK(done.holds(": 0 puts, 1 delete\n"));
    CHECK(on.at_slave(1).range("/a/foreign", {}).empty());
    CHECK(on.at_slave(0).range("/a/foreign", {}).size() == 1);
    CHECK(on.settle());
    CHECK(on.sync.terminate() == 0);
}

TEST_CASE("without --slave an approval concerns held slaves only, with and without --foreign") {
    two on;
    too_many_deletes(on);
    const command_result done = run(on.sync, {"sync", "--approve"});
    CAPTURE(done.text);
    CHECK(done.code == 0);
    CHECK(
        done.holds(": 0 puts, 150 deletes; 1 key only on the slave kept; approved: would delete 150 of the 451 keys"));
    CHECK(done.holds(": nothing to write; 1 key only on the slave kept\n"));
    CHECK(on.has_foreign(0));
    CHECK(run(on.sync, {"sync", "--approve", "--foreign"}).code == 0);  // nothing is held
    CHECK(on.has_foreign(0));
    CHECK(on.has_foreign(1));

    too_many_deletes(on);
    const std::int64_t before = on.at_slave(0).revision();
    const command_result shown = run(on.sync, {"sync", "-n", "-v", "--approve", "--foreign"});
    CAPTURE(shown.text);
    CHECK(shown.code == 2);
    CHECK(shown.holds("slave-1: the approval would lift: would delete 150 of the"));
    CHECK_FALSE(shown.holds("slave-2: the approval"));
    CHECK(listed(shown.text, "-").size() == 151);
    CHECK(listed(shown.text, "~") == std::set<std::string>{"/a/foreign"});  // on slave-2
    CHECK(run(on.sync, {"sync", "--approve", "--foreign"}).code == 0);
    CHECK(written(on.at_slave(0), before, false) == listed(shown.text, "-"));
    CHECK_FALSE(on.has_foreign(0));
    CHECK(on.has_foreign(1));
}

TEST_CASE("with consistency = rule an approval concerns the held rule of the slave only") {
    two on("[replication]\nconsistency = \"rule\"\n");
    too_many_deletes(on);
    const command_result held = run(on.sync, {"sync"});
    CHECK(held.code == 4);
    CHECK(held.holds("slave-1//a/: held: would delete 150 of the 451 keys"));
    const std::string approve = two::only(held.text, "approve");
    on.preview_and_approve(two::only(held.text, "preview"), approve);
    too_many_deletes(on);
    const command_result done = run_in_shell(approve + " --json");
    CAPTURE(done.text);
    CHECK(done.code == 0);
    CHECK(done.holds(R"("deletes":150,"foreign":1,"kept":0,"approved":"would delete 150 of)"));
    CHECK(done.holds(R"("rule":"/b/","state":"in_sync")"));
    CHECK(done.holds(R"("puts":0,"deletes":0,"foreign":0,"kept":0})"));
    CHECK(on.has_foreign(0));
}

TEST_CASE("a suggested command can be copied as it is, whatever the name of the file, and works in any directory") {
    two on;
    too_many_deletes(on);
    scratch_dir dir;
    const std::string folder = dir.path() + "/it's here";
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/my config.toml") << on.config();
    const std::string relative = fmt::format(R"(cd "{}" && etcd-sync -c "../it's here/my config.toml" sync)", folder);
    const command_result held = run_in_shell(relative);
    CHECK(held.code == 4);
    on.preview_and_approve(two::only(held.text, "preview"), two::only(held.text, "approve"));
}
