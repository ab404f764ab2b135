// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/link_parts.hpp"
#include "replication/link/session_history.hpp"
#include "replication/link/step_result.hpp"
#include "replication/record/start_plan.hpp"
#include "replication/slave/slave_writer.hpp"

#include <chrono>
#include <optional>

namespace etcdsync::replication {

/// How often the stored checkpoint follows a position that moved without anything to write (design.md section 6, Link 7).
inline constexpr std::chrono::minutes refresh_interval{5};

/// One connection to a slave and the checkpoint on it, from the claim on. Every write goes through commit(), one Txn in flight
/// at a time. The moves (advance, catch-up, full sync) change `position()` and then commit.
class slave_session {
public:
    slave_session(const link_parts& parts, slave_writer& slave);

    /// Writes the checkpoint of `plan` with this process as its writer: a Txn that a dead process may still have in flight fails
    /// from now on.
    aio::awaitable<step_result> claim(const start_plan& plan);

    /// Writes `writes` and position() in one Txn. `restart` if another process changed the checkpoint.
    aio::awaitable<step_result> commit(const batch& writes);

    /// Writes position() alone.
    aio::awaitable<step_result> commit_position();

    /// If the guards say so: foreign keys become ours with the next commit.
    void adopt_foreign_keys();

    /// Stores a position that moved more than refresh_interval ago, so that a quiet link survives compaction.
    aio::awaitable<step_result> refresh_checkpoint();

    /// Whether the slave answers and the checkpoint is as this process left it. Writes a manifest again that was deleted.
    aio::awaitable<step_result> check_slave();

    /// When check_slave() is due.
    [[nodiscard]] aio::clock::time_point last_commit() const { return last_commit_; }
    [[nodiscard]] aio::clock::time_point next_check() const { return last_contact_ + parts_.with.probe_interval; }

    /// Why nothing more may be written: the operator requested something, or the master's history may have changed.
    [[nodiscard]] std::optional<step_result> interrupted() const;

    /// The error if the connection to the slave is broken.
    [[nodiscard]] std::optional<step_result> broken() const;

    /// (R, K) and what belongs to them; ahead of the stored checkpoint only if that takes no write.
    [[nodiscard]] checkpoint& position() { return position_; }

    [[nodiscard]] slave_writer& writer() { return *writer_; }
    [[nodiscard]] const link_parts& parts() const { return parts_; }

    /// As it was when this session began; full sync and catch-up change whether it is proven.
    [[nodiscard]] session_history& history() { return history_; }

    /// A Txn with writes was applied.
    [[nodiscard]] bool has_written() const { return has_written_; }

private:
    void count(const batch& written);
    /// Makes `record` the position of this process.
    void take(checkpoint record);

    const link_parts& parts_;
    slave_writer* writer_;
    checkpoint position_;
    session_history history_;
    aio::clock::time_point last_commit_;
    aio::clock::time_point last_contact_;  ///< with the slave
    bool has_written_ = false;
};

}  // namespace etcdsync::replication
