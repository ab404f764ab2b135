// SPDX-License-Identifier: Apache-2.0
#include "unit/replication/world.hpp"

#include "unit/replication/support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace etcdsync::replication {
namespace {

constexpr std::string_view record_key = "/.etcd-sync/etcd-sync";

config::endpoint endpoint(const std::string& host) {
    config::endpoint out;
    out.url = "http://" + host + ":1";
    out.host = host;
    out.port = 1;
    return out;
}

config::config default_settings() {
    config::config out;
    out.master.endpoints = {endpoint("master")};
    out.rules = {prefix_rule("/a/")};
    config::slave slave;
    slave.name = "default";
    slave.endpoints = {endpoint("slave")};
    slave.rules = {0};
    slave.guards.max_delete.amount = 100;  // other tests cover the guards
    out.slaves = {slave};
    return out;
}

/// Compares the slave with the master at the revision of `record`. Returns the first violation, or an empty string.
std::string check(const checkpoint& record, const test::key_map& slave, const test::key_map& master) {
    for (const auto& [key, value] : master) {
        if (record.pass == sync_pass::repair && key >= record.frontier) break;
        const auto found = slave.find(key);
        if (found == slave.end()) return "misses " + key;
        if (found->second != value) return "has another value of " + key;
    }
    if (record.pass == sync_pass::none && slave.size() != master.size()) return "holds more than the master";
    return {};
}

}  // namespace

world::world(const test::model_etcd::settings& of_master, const test::model_etcd::settings& of_slave)
    : master(of_master), slave(of_slave), settings(default_settings()) {}

world::~world() { stop(); }

void world::start(const job& what) {
    process_.reset();
    process_ = std::make_unique<test::memory_process>(host_);
    random_ = base::random_streams(++starts_);
    environment with{.dialer = dialer,
                     .clock = clock_,
                     .random = random_,
                     .log = log_,
                     .files = files_,
                     .executor = loop.executor(),
                     .on_bug = [](const std::string& bug) { FAIL_CHECK("a task ended by an exception: " << bug); },
                     .processes = process_.get()};
    running_ = std::make_unique<replicator>(settings, std::move(with), what);
    running_->start();
    loop.settle();
}

void world::apply() {
    const auto next = std::make_shared<const config::config>(settings);
    loop.run(running_->apply(next, std::chrono::seconds(5)), std::chrono::minutes(1));
}

void world::apply_in(aio::task_group& tasks) {
    const auto next = std::make_shared<const config::config>(settings);
    tasks.spawn("apply", apply_next(next));
}

aio::awaitable<> world::apply_next(std::shared_ptr<const config::config> next) {
    const bool applied = co_await running_->apply(next, std::chrono::seconds(5));
    applied_.push_back(applied);
}

link_status world::link(std::string_view of) const {
    const status now = running_->current();
    for (const link_status& one : now.links) {
        if (one.slave == of) return one;
    }
    FAIL("there is no link of slave " << of);
    return {};
}

void world::stop() {
    if (!running_) return;
    loop.run(running_->stop(std::chrono::seconds(5)), std::chrono::minutes(1));
    running_.reset();
}

void world::kill() {
    loop.run(running_->stop({}), std::chrono::minutes(1));
    running_.reset();
}

void world::freeze(bool on) {
    master_server.stall(std::string("http://master:1"), on);
    slave_server.stall(std::string("http://slave:1"), on);
    clock_.freeze(on);
    loop.settle();
}

void world::lose_master(int keys) {
    many(keys, "v");
    start();
    REQUIRE(settles());
    put("/a/00001", "seen");
    REQUIRE(settles());
    master_server.cut();
    master = test::model_etcd();
}

void world::put(std::string_view key, std::string_view value) {
    master.put(key, value);
    master_server.changed();
}

void world::del(std::string_view key, std::string_view range_end) {
    master.del(key, range_end);
    master_server.changed();
}

void world::many(int count, std::string_view value, int from) {
    for (int i = from; i < from + count; ++i) put(fmt::format("/a/{:05}", i), value);
}

bool world::eventually(const std::function<bool()>& condition, aio::clock::duration patience) {
    const auto until = loop.clock.now() + patience;
    loop.settle();
    while (!condition()) {
        if (loop.clock.now() >= until) return false;
        const auto next = loop.clock.next();
        loop.clock.advance(next ? std::min(*next, until) - loop.clock.now() : until - loop.clock.now());
    }
    return true;
}

test::key_map world::mirrored(const test::key_map& keys) {
    test::key_map out;
    for (auto it = keys.lower_bound("/a/"); it != keys.end() && it->first < "/a0"; ++it) out.insert(*it);
    return out;
}

std::string world::untruth(std::int64_t since) const {
    for (std::int64_t rev = since; rev <= slave.revision(); ++rev) {
        const test::key_map then = slave.keys(rev);
        const auto found = then.find(std::string(record_key));
        if (found == then.end()) continue;
        const auto manifest = then.find(fmt::format("{}:manifest", record_key));
        checkpoint_text text{found->second, std::nullopt};
        if (manifest != then.end()) text.manifest = manifest->second;
        const auto record = parse_checkpoint(text);
        if (!record) return fmt::format("slave revision {}: {}", rev, record.error().text);
        if (record->pass == sync_pass::count) continue;  // nothing is promised yet
        test::key_map held = mirrored(then);
        test::key_map promised = mirrored(master.keys(record->rev));
        if (record->split) {
            // Parts of the next revision may be applied already, so ignore keys that change after R.
            for (const std::string& key : master.changed_after(record->rev)) {
                held.erase(key);
                promised.erase(key);
            }
        }
        const std::string wrong = check(*record, held, promised);
        if (!wrong.empty()) return fmt::format("slave revision {} (record {}): {}", rev, found->second, wrong);
    }
    return {};
}

std::string world::told() const {
    std::string out;
    for (const std::string& line : lines.lines) out += line + '\n';
    return out;
}

}  // namespace etcdsync::replication
