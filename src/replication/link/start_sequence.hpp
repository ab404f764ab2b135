// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/link_parts.hpp"
#include "replication/link/link_settings.hpp"
#include "replication/link/master_check.hpp"
#include "replication/link/rival_watch.hpp"
#include "replication/link/step_result.hpp"
#include "replication/record/start_plan.hpp"
#include "replication/slave/slave_writer.hpp"

#include <cstdint>
#include <optional>

namespace etcdsync::replication {

/// The steps from a new connection to a slave to a claimed checkpoint (design.md section 6, Link 2 to 4): read what is stored,
/// make sure that no other process works here and that the master is the one the slave was copied from, and plan the start.
/// It lives as long as the link and remembers what earlier connections showed.
class start_sequence {
public:
    start_sequence(const link_parts& parts, const link_settings& settings);

    /// Reads the checkpoint, after checkpoints of another consistency mode were migrated. `held` if another process is at work.
    aio::awaitable<step_result> read_slave(slave_writer& slave);

    /// Proves the master and decides how to start; the master is connected. `guards` loses its hold if the configuration accepts
    /// another master. `held` if it does not.
    aio::awaitable<step_result> decide(slave_writer& slave, guard_policy& guards);

    /// How to start, after decide() was `done`.
    [[nodiscard]] const start_plan& plan() const { return plan_; }

    /// After the claim of plan(): `held` if the slave is the master itself.
    aio::awaitable<step_result> confirm(slave_writer& slave);

    /// The claim failed because the checkpoint had changed.
    void note_contested(bool contested) { contested_ = contested; }
    void note_written(std::uint64_t seq) { rivals_.note_written(seq); }
    /// A full sync has ended, or the slave was found in sync: what was agreed to is done.
    void note_done() { lifts_guards_ = false; }
    /// This process begins to lead the slave: whoever wrote there before has stopped.
    void begin_term() { rivals_.note_written(0); }
    /// master_check::trust()
    void trust(std::uint64_t continuity) { master_.trust(continuity); }

private:
    aio::awaitable<step_result> migrate_records(slave_writer& slave);
    aio::awaitable<step_result> claim_unchanged(slave_writer& slave, checkpoint record);
    /// Stores that the master has another history, so that the hold survives whatever the master looks like later.
    aio::awaitable<step_result> remember_contradiction(slave_writer& slave, checkpoint record);
    aio::awaitable<step_result> prove_master(slave_writer& slave, guard_policy& guards, start_context& now);
    /// Another master: `other_master`, and it is remembered.
    aio::awaitable<step_result> hold(slave_writer& slave, const proof& why);
    aio::awaitable<etcd::result<bool>> is_the_master(slave_writer& slave);
    aio::awaitable<etcd::result<bool>> revision_moves_with(etcd::kv& master, slave_writer& slave);
    [[nodiscard]] const checkpoint* stored() const;
    /// After how long without a sign another writer may be dead.
    [[nodiscard]] aio::clock::duration patience() const;
    [[nodiscard]] bool is_rival_at_work(const checkpoint& stored);

    const link_parts& parts_;
    const link_settings& settings_;
    rival_watch rivals_;
    master_check master_;
    slave_writer::found found_;
    start_plan plan_;
    bool contested_ = false;       ///< another process wrote the checkpoint just before our claim
    bool accepted_other_ = false;  ///< by this start
    bool lifts_guards_ = false;    ///< on_master_change = "resync" lifts them until the full sync it began has ended
    bool same_ids_ = false;        ///< slave and master claim to be the same cluster, as two default etcds do
    bool same_store_ = false;      ///< and they are the same
    bool reported_unreadable_ = false;
};

}  // namespace etcdsync::replication
