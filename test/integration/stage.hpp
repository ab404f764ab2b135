// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "load.hpp"
#include "support/etcd_client.hpp"
#include "support/exact.hpp"
#include "support/exactness_checker.hpp"
#include "support/processes.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <random>
#include <string>
#include <vector>

/// What most integration tests begin with.
namespace etcdsync::test {

using namespace std::chrono_literals;

/// The history of a store from its first revision on, kept beyond its compactions: what is about to be compacted is read before.
class kept_history {
public:
    explicit kept_history(etcd_client& of) : store_(&of) {}

    /// Reads what is new.
    void keep();
    /// The store is another one now.
    void forget();
    [[nodiscard]] const std::vector<change>& all() const { return changes_; }

private:
    etcd_client* store_;
    std::vector<change> changes_;
    std::int64_t next_ = 1;
};

struct stage_options {
    std::vector<std::string> prefixes{"/a/", "/b/"};  ///< a rule for each; keys stay where they are
    std::vector<std::string> slaves{""};              ///< one each: further lines of its [[slave]]
    std::string tables;                               ///< behind the rules
    std::string top;                                  ///< above all tables
    std::vector<std::string> master_flags;            ///< of etcd
    std::vector<std::string> slave_flags;             ///< of the first slave
    front_door master_door;                           ///< where the daemon finds the master; default: in plaintext
    front_door slave_door;                            ///< and each slave
    std::string master_keys;                          ///< further lines of [master]
    bool start = true;                                ///< false: the etcds are not up yet
};

/// A master, slaves, a client of each, and the daemon, which is not started yet.
class stage {
public:
    explicit stage(stage_options how = {});

    etcd_server master;
    etcd_client at_master{master.port()};

    [[nodiscard]] etcd_server& slave(std::size_t i = 0) { return slaves_.at(i).server; }
    [[nodiscard]] etcd_client& at_slave(std::size_t i = 0) { return slaves_.at(i).client; }
    [[nodiscard]] std::size_t slaves() const { return slaves_.size(); }
    [[nodiscard]] const std::string& config() const { return config_; }

private:
    struct place {
        place(const std::vector<std::string>& flags, const front_door& door) : server(flags, door) {}
        etcd_server server;
        etcd_client client{server.port()};
        kept_history history{client};
    };

    std::vector<std::string> prefixes_;
    std::deque<place> slaves_;
    std::string config_;
    kept_history master_history_{at_master};

public:
    sync_daemon sync;

    /// Starts the daemon and waits until every slave is told to be in sync.
    void start_and_sync(std::chrono::milliseconds limit = 30s);

    /// Writes a last key on the master and waits until every slave follows at it. False: not within `limit`.
    bool settle(std::chrono::milliseconds limit = 30s);
    bool settle(std::size_t i, std::chrono::milliseconds limit = 30s);

    /// The first differences between what is selected on the master and the slave; empty: there are none.
    [[nodiscard]] std::string differs(std::size_t i = 0);
    [[nodiscard]] bool exact();  ///< on all slaves

    /// The whole history of a slave beside that of the master.
    [[nodiscard]] exactness_report check(std::size_t i = 0, std::int64_t from = 0);

    /// Everything arrives, the daemon stops with 0, and every slave is, and was in each of its revisions, exact.
    void finish(std::chrono::milliseconds limit = 30s);

    /// What came before is kept for check(). That takes a moment; not so directly after keep_master().
    void keep_master() { master_history_.keep(); }
    void keep_slave(std::size_t i = 0) { slaves_.at(i).history.keep(); }
    void compact_master(std::int64_t at);
    void compact_slave(std::int64_t at, std::size_t i = 0);

    /// Its data is gone, or as it was at keep_copy(); it is up again.
    void wipe_slave(std::size_t i = 0);
    void put_slave_back(std::size_t i = 0);

    /// Waits until the daemon said `text` once more than `before`.
    bool hears(std::string_view text, std::size_t before = 0, std::chrono::milliseconds limit = 30s);

    /// Starts the daemon and ends it by SIGKILL as soon as the first slave has `revisions` more, and up to 1 ms more; or after a
    /// second, where it has less to do.
    void start_and_kill_after(std::int64_t revisions, std::mt19937& random);
};

/// How often slave-1 was copied anew after it had been in sync. Before that a slow machine may need more than one go.
std::size_t later_full_syncs(const sync_daemon& sync);

}  // namespace etcdsync::test
