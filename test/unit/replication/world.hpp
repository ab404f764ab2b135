// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/checkpoint.hpp"
#include "replication/setup/replicator.hpp"
#include "support/capture_sink.hpp"
#include "support/freezable_clock.hpp"
#include "support/memory_files.hpp"
#include "support/memory_processes.hpp"
#include "support/model_server.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// A complete replicator between a master and a slave in memory, with a fake clock. It copies "/a/" to the same keys.
class world {
public:
    explicit world(const test::model_etcd::settings& of_master = {}, const test::model_etcd::settings& of_slave = {});
    ~world();

    /// Starts etcd-sync, or starts it again as a new process.
    void start(const job& what = {});
    /// Stops it gracefully, as SIGTERM does.
    void stop();
    /// Applies `settings` to the running replicator, as a reload does, and waits until that is done.
    void apply();
    /// Start apply() in the tasks of the loop, or in `tasks`, and do not wait.
    void begin_apply() { apply_in(loop.tasks); }
    void apply_in(aio::task_group& tasks);
    /// What each call of apply_in() returned, in the order of their ends.
    [[nodiscard]] const std::vector<bool>& applied() const { return applied_; }
    /// Stops it as kill -9 does: work in progress is abandoned.
    void kill();
    /// Freezes it, as SIGSTOP does: neither its timers nor what is sent to it is noticed until freeze(false).
    void freeze(bool on);

    /// Brings the slave in sync with `keys` keys; then an empty master takes the place of the old one.
    void lose_master(int keys);

    /// Write to the master as another client does, and notify watches.
    void put(std::string_view key, std::string_view value);
    void del(std::string_view key, std::string_view range_end = {});
    void many(int count, std::string_view value, int from = 0);

    /// Advances the clock until `condition` is true. False after `patience`.
    bool eventually(const std::function<bool()>& condition, aio::clock::duration patience = std::chrono::minutes(2));

    /// Advances the clock until the slave is reported in sync and is exact. False after `patience`.
    bool settles(aio::clock::duration patience = std::chrono::minutes(2)) {
        return eventually([this] { return in_sync() && exact(); }, patience);
    }
    [[nodiscard]] bool exact() const { return mirrored(slave.keys()) == mirrored(master.keys()); }
    [[nodiscard]] bool in_sync() const { return running_ && link().state == link_state::in_sync; }
    [[nodiscard]] link_status link() const { return running_->current().links.at(0); }
    /// The link of the slave with this name.
    [[nodiscard]] link_status link(std::string_view of) const;
    [[nodiscard]] status current() const { return running_->current(); }
    /// The running replicator, for the requests of an operator.
    [[nodiscard]] replicator& running() { return *running_; }

    /// Checks for every revision of the slave, starting at `since`, that its keys match its checkpoint (promise P1). Returns
    /// the first violation, or an empty string.
    [[nodiscard]] std::string untruth(std::int64_t since = 2) const;

    /// The log lines, joined with newlines.
    [[nodiscard]] std::string told() const;

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::model_etcd master;
    test::model_etcd slave;
    test::model_server master_server{loop, dialer, "http://master:1", master};
    test::model_server slave_server{loop, dialer, "http://slave:1", slave};
    test::capture_sink lines;
    config::config settings;

    /// The keys that the rules select.
    [[nodiscard]] static test::key_map mirrored(const test::key_map& keys);

private:
    aio::awaitable<> apply_next(std::shared_ptr<const config::config> next);

    std::vector<bool> applied_;
    test::freezable_clock clock_{loop.clock};
    observe::logger log_{lines, observe::log_level::debug};
    base::random_streams random_{1};
    std::uint64_t starts_ = 0;
    test::memory_files files_;
    test::memory_host host_;
    std::unique_ptr<test::memory_process> process_;
    std::unique_ptr<replicator> running_;
};

}  // namespace etcdsync::replication
