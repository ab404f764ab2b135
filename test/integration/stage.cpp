// SPDX-License-Identifier: Apache-2.0
#include "stage.hpp"

#include <thread>
#include <utility>

namespace etcdsync::test {

void kept_history::keep() {
    std::vector<change> more = store_->history(next_);
    if (more.empty()) return;
    next_ = more.back().revision + 1;
    changes_.insert(changes_.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void kept_history::reset() {
    changes_.clear();
    next_ = 1;
}

namespace {

std::string rules_for(const std::vector<std::string>& prefixes, const std::string& tables) {
    std::string text;
    for (const std::string& prefix : prefixes) text += fmt::format("[[rule]]\nprefix = \"{}\"\n", prefix);
    return text + tables;
}

}  // namespace

stage::stage(stage_options how)
    : master(how.master_flags, how.master_listener, role::master), prefixes_(std::move(how.prefixes)), config_([&] {
          std::vector<slave_entry> entries;
          for (const std::string& lines : how.slaves) {
              const bool first = slaves_.empty();
              const std::vector<std::string> flags = first ? how.slave_flags : std::vector<std::string>{};
              entries.emplace_back(slaves_.emplace_back(flags, how.slave_listener).server, lines);
          }
          return config_for(master, entries, rules_for(prefixes_, how.tables), how.top, how.master_keys);
      }()),
      sync(config_) {
    if (!how.start) return;
    master.start_without_waiting();
    for (slave_with_client& at : slaves_) at.server.start_without_waiting();
    const auto all_up = [this] {
        bool up = at_master.answers();
        for (slave_with_client& at : slaves_) up = up && at.client.answers();
        return up;
    };
    REQUIRE(eventually(all_up, 20s));
}

void stage::start_and_sync(std::chrono::milliseconds limit) {
    const std::size_t times = sync.logged("in sync");
    sync.start();
    const bool done = eventually([&] { return sync.logged("in sync") >= times + slaves(); }, patience(limit));
    INFO(sync.output());
    REQUIRE(done);
}

bool stage::settle(std::chrono::milliseconds limit) {
    const std::int64_t last = at_master.put(prefixes_.front() + "~last", fmt::format("{}", at_master.revision()));
    const auto all_there = [&] {
        for (slave_with_client& at : slaves_) {
            if (!at.client.answers() || !follows_at(at.client, last)) return false;
        }
        return true;
    };
    return eventually(all_there, patience(limit));
}

bool stage::settle(std::size_t i, std::chrono::milliseconds limit) {
    const std::int64_t last = at_master.put(prefixes_.front() + "~last", fmt::format("{}", at_master.revision()));
    return eventually([&] { return at_slave(i).answers() && follows_at(at_slave(i), last); }, patience(limit));
}

std::string stage::differs(std::size_t i) {
    const key_mapping selected = same_keys(prefixes_);
    key_map expected = keys_of(at_master);
    std::erase_if(expected, [&](const auto& kv) { return !selected(kv.first); });
    return difference(expected, keys_of(at_slave(i)));
}

bool stage::exact() {
    for (std::size_t i = 0; i < slaves(); ++i) {
        if (!differs(i).empty()) return false;
    }
    return true;
}

exactness_report stage::check(std::size_t i, std::int64_t from) {
    slaves_.at(i).history.keep();  // read first, so that the master is not behind it
    master_history_.keep();
    return check_exactness(master_history_.all(), slaves_.at(i).history.all(),
                           {same_keys(prefixes_), "etcd-sync", {}, from});
}

void stage::finish(std::chrono::milliseconds limit) {
    CHECK(settle(limit));
    CHECK(sync.terminate() == 0);
    INFO(sync.output());
    for (std::size_t i = 0; i < slaves(); ++i) {
        CAPTURE(i);
        CHECK(differs(i) == "");
        const exactness_report report = check(i);
        CHECK(report.fault == "");
        CHECK(report.state == "follow");
    }
}

void stage::compact_master(std::int64_t at) {
    master_history_.keep();
    at_master.compact(at);
}

void stage::compact_slave(std::int64_t at, std::size_t i) {
    slaves_.at(i).history.keep();
    at_slave(i).compact(at);
}

void stage::wipe_slave(std::size_t i) {
    slave(i).kill();
    slave(i).wipe();
    slaves_.at(i).history.reset();
    slave(i).start();
}

void stage::put_slave_back(std::size_t i) {
    slave(i).terminate();
    slave(i).put_copy_back();
    slaves_.at(i).history.reset();
    slave(i).start();
}

bool stage::await_log(std::string_view text, std::size_t before, std::chrono::milliseconds limit) {
    return eventually([&] { return sync.logged(text) > before; }, patience(limit));
}

void stage::start_and_kill_after(std::int64_t revisions, std::mt19937& random) {
    const std::int64_t until = at_slave().revision() + revisions;
    sync.start();
    // It may have fewer revisions to write.
    const auto limit = std::chrono::steady_clock::now() + patience(1s);
    while (at_slave().revision() < until && std::chrono::steady_clock::now() < limit) {}
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 1'000));
    REQUIRE(sync.running());
    sync.kill();
}

std::size_t later_full_syncs(const sync_daemon& sync) {
    const std::string all = sync.output();
    constexpr std::string_view begun = "\"full sync\" slave=slave-1";
    std::size_t times = 0;
    for (std::size_t at = all.find(begun, all.find("\"in sync\" slave=slave-1")); at != std::string::npos;
         at = all.find(begun, at + 1))
        ++times;
    return times;
}

}  // namespace etcdsync::test
