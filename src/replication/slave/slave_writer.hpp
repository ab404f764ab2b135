// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/record/migration.hpp"
#include "replication/record/stored_checkpoint.hpp"
#include "replication/slave/batch.hpp"
#include "replication/slave/learned_limits.hpp"
#include "replication/slave/manifest_schedule.hpp"
#include "replication/status/context.hpp"

#include <optional>
#include <string>

namespace etcdsync::replication {

/// The only writer to a slave: reads and claims the checkpoint, then applies guarded Txns one after
/// the other. Each writes the checkpoint and compares the one before. If the response to a Txn is
/// lost, a new slave_writer on a new connection reads the checkpoint again to find out whether the
/// Txn was applied.
class slave_writer {
public:
    /// `records`, one of which is `checkpoint`, outlives this.
    slave_writer(etcd::kv slave, const context& with, checkpoint_keys checkpoint, const record_set& records)
        : kv_(std::move(slave)), context_(&with), keys_(std::move(checkpoint)), records_(&records) {}

    /// Reads all checkpoints of the instance, of both modes of consistency.
    aio::awaitable<etcd::result<found_records>> read_all();

    /// Applies `plan` to the checkpoints: in one Txn if `limits` allow it, else in several, which
    /// only one link of a slave may do (`in_parts`): several links would disturb each other. Lowers
    /// `limits` if the slave refuses a Txn. Returns false if it was not applied, because another
    /// link has to do it, or because the checkpoints are no longer as they were found (`all`) and
    /// as this function has left them.
    aio::awaitable<etcd::result<bool>> migrate(found_records all, migration plan, learned_limits& limits,
                                               bool in_parts);

    /// Stops comparing the checkpoints of the other mode, which the user may not read: a user who has
    /// no permission on them has chosen this mode for good.
    void ignore_other_mode() { sees_other_mode_ = false; }

    /// The checkpoint on the slave, and the slave's revision.
    struct found {
        std::optional<base::result<checkpoint>> record;  ///< nothing: there is none; an error: it is unreadable
        revision slave_revision = 0;
        std::uint64_t cluster_id = 0;  ///< of the slave
    };

    /// Reads the checkpoint with a linearizable read, which also probes whether the slave is
    /// usable.
    aio::awaitable<etcd::result<found>> read();

    /// Applies `writes` and stores the checkpoint `next`, if the checkpoint is still the one read
    /// or written last and there is none of the other mode. Returns true if it is done; record() is
    /// then `next`. Returns false, with nothing done, if another process wrote there: start again
    /// with read_all(). `writes` must stay alive. `next.writer` is set by the caller: its own name,
    /// or empty at an orderly end. The manifest is written as well when it is due and fits into
    /// `limits` beside `writes`; a Txn that is refused with it is sent again without.
    aio::awaitable<etcd::result<bool>> commit(const batch& writes, checkpoint next, const txn_limits& limits);

    /// Reads whether the position is still the one read or written last. If only the manifest is not, the next commit() writes
    /// it again.
    aio::awaitable<etcd::result<bool>> checkpoint_unchanged();

    /// The next commit() has to write the manifest again.
    [[nodiscard]] bool lost_manifest() const { return schedule_.is_lost(); }

    [[nodiscard]] const checkpoint& record() const { return record_; }
    /// The encoded position on the slave.
    [[nodiscard]] const std::string& text() const { return text_; }
    /// The revision of the slave that wrote it; 0: there is none.
    [[nodiscard]] revision revision_of_record() const { return mod_revision_; }
    /// True if, as far as we know, the checkpoint on the slave is record(), with our writer name.
    [[nodiscard]] bool is_ours() const { return ours_; }
    /// A revision the slave had at the last response.
    [[nodiscard]] revision slave_revision() const { return header_.store_revision; }
    /// `seq` of the last checkpoint written over this connection; 0: none.
    [[nodiscard]] std::uint64_t last_written() const { return last_written_; }
    [[nodiscard]] bool in_flight() const { return in_flight_; }
    [[nodiscard]] etcd::kv& kv() { return kv_; }

private:
    /// Adds the positions that `query` finds, at the revision of those before.
    aio::awaitable<etcd::result<void>> read_positions(etcd::range_query query, found_records& into);
    void take(const stored_checkpoint& stored);
    /// Completes `next`. Returns the manifest to write with it; empty: none is due, or it does not fit.
    std::string prepare(const batch& writes, checkpoint& next, const txn_limits& limits);
    aio::awaitable<etcd::result<etcd::txn_response>> send(const batch& writes, std::string_view position,
                                                          std::string_view manifest, unsigned max_ops);

    etcd::kv kv_;
    const context* context_;
    checkpoint_keys keys_;
    const record_set* records_;
    checkpoint record_;
    manifest_schedule schedule_;
    std::string text_;           ///< the encoded position on the slave
    revision mod_revision_ = 0;  ///< of the position; 0: it does not exist
    revision manifest_revision_ = 0;
    etcd::response_header header_;  ///< of the last response
    std::uint64_t last_written_ = 0;
    bool sees_other_mode_ = true;
    bool ours_ = false;
    bool in_flight_ = false;
};

}  // namespace etcdsync::replication
