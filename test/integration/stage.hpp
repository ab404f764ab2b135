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

/// Common setup of most integration tests.
namespace etcdsync::test {

using namespace std::chrono_literals;

/// The complete history of a store. Call keep() before each compaction.
class kept_history {
public:
    explicit kept_history(etcd_client& of) : store_(&of) {}

    /// Reads the new revisions.
    void keep();
    /// Starts again at revision 1, after the data of the store was replaced.
    void reset();
    [[nodiscard]] const std::vector<change>& all() const { return changes_; }

private:
    etcd_client* store_;
    std::vector<change> changes_;
    std::int64_t next_ = 1;
};

struct stage_options {
    std::vector<std::string> prefixes{"/a/", "/b/"};  ///< a rule for each, without dest
    std::vector<std::string> slaves{""};              ///< for each slave, further lines of its [[slave]]
    std::string tables;                               ///< after the rules
    std::string top;                                  ///< before all tables
    std::vector<std::string> master_flags;            ///< of its etcd
    std::vector<std::string> slave_flags;             ///< of the first slave
    listener_options master_listener;                 ///< the endpoint for the daemon; default: the plaintext one
    listener_options slave_listener;                  ///< the same for each slave
    std::string master_keys;                          ///< further lines of [master]
    bool start = true;                                ///< false: do not start the etcds
};

/// A master and slaves with their clients, and a daemon that is not started yet.
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
    struct slave_with_client {
        slave_with_client(const std::vector<std::string>& flags, const listener_options& listener)
            : server(flags, listener) {}
        etcd_server server;
        etcd_client client{server.port()};
        kept_history history{client};
    };

    std::vector<std::string> prefixes_;
    std::deque<slave_with_client> slaves_;
    std::string config_;
    kept_history master_history_{at_master};

public:
    sync_daemon sync;

    /// Starts the daemon and waits until it has logged "in sync" for every slave.
    void start_and_sync(std::chrono::milliseconds limit = 30s);

    /// Writes a key to the master and waits until every slave, or slave `i`, follows at it. False after `limit`.
    bool settle(std::chrono::milliseconds limit = 30s);
    bool settle(std::size_t i, std::chrono::milliseconds limit = 30s);

    /// The first differences between the selected keys of the master and the slave; empty if they are equal.
    [[nodiscard]] std::string differs(std::size_t i = 0);
    [[nodiscard]] bool exact();  ///< on all slaves

    /// Checks the complete history of a slave against that of the master.
    [[nodiscard]] exactness_report check(std::size_t i = 0, std::int64_t from = 0);

    /// Checks that all changes arrive, that the daemon exits with 0, and that every revision of every slave is exact.
    void finish(std::chrono::milliseconds limit = 30s);

    /// Compactions keep the history before them for check(), which takes some time, except directly after keep_master().
    void keep_master() { master_history_.keep(); }
    void keep_slave(std::size_t i = 0) { slaves_.at(i).history.keep(); }
    void compact_master(std::int64_t at);
    void compact_slave(std::int64_t at, std::size_t i = 0);

    /// Removes the data of a slave, or restores the copy of keep_copy(), and restarts it.
    void wipe_slave(std::size_t i = 0);
    void put_slave_back(std::size_t i = 0);

    /// Waits until `text` occurs more than `before` times in the output of the daemon. False after `limit`.
    bool await_log(std::string_view text, std::size_t before = 0, std::chrono::milliseconds limit = 30s);

    /// Starts the daemon and kills it (SIGKILL) up to 1 ms after it has written `revisions` revisions to the first slave, or after
    /// a second if it writes fewer.
    void start_and_kill_after(std::int64_t revisions, std::mt19937& random);
};

/// The number of full syncs of slave-1 after it was first in sync. Before that, a slow machine may need more than one.
std::size_t later_full_syncs(const sync_daemon& sync);

}  // namespace etcdsync::test
