// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/record/migration.hpp"
#include "replication/slave/batch.hpp"
#include "replication/status/context.hpp"

#include <optional>
#include <string>

namespace etcdsync::replication {

/// The only writer on a slave: reads and claims the checkpoint, then applies one guarded Txn after the other, each of which
/// carries the checkpoint and compares the one before it. What was in flight when an answer was lost is settled by reading the
/// checkpoint again: by a new slave_writer on a new connection.
class slave_writer {
public:
    /// `records`, of which `checkpoint_key` is one, outlives it.
    slave_writer(etcd::kv slave, const context& with, std::string checkpoint_key, const record_set& records)
        : kv_(std::move(slave)), context_(&with), key_(std::move(checkpoint_key)), records_(&records) {}

    /// All records of the instance, of both modes of consistency.
    aio::awaitable<etcd::result<found_records>> read_all();

    /// Makes of all records what `plan` says, in one Txn. False: they are not as they were found any more, and nothing was done.
    aio::awaitable<etcd::result<bool>> migrate(const found_records& all, const migration& plan, unsigned max_ops);

    /// Our user may not see the records of the other mode. They are not compared from now on: who has no right on them has set this
    /// mode up for itself.
    void ignore_other_mode() { sees_other_mode_ = false; }

    /// What stands under the checkpoint's key, and the slave's revision.
    struct found {
        std::optional<base::result<checkpoint>> record;  ///< nothing: there is none; an error: not readable
        revision slave_revision = 0;
        std::uint64_t cluster_id = 0;  ///< of the slave
    };

    /// A linearizable read: also the probe whether the slave can be worked with.
    aio::awaitable<etcd::result<found>> read();

    /// Applies `writes` and puts `next` under the checkpoint's key, if that still is what was read or written last, and no record
    /// of the other mode stands there. True: done, record() is `next` now. False: another process wrote there; nothing was done,
    /// begin again with read_all(). `writes` stays alive.
    /// `next.writer` is set by the caller: its own name, or empty at an orderly end.
    aio::awaitable<etcd::result<bool>> commit(const batch& writes, checkpoint next, unsigned max_ops);

    /// Whether the checkpoint still is as we left it.
    aio::awaitable<etcd::result<bool>> undisturbed();

    [[nodiscard]] const checkpoint& record() const { return record_; }
    /// The bytes that stand under the checkpoint's key.
    [[nodiscard]] const std::string& text() const { return text_; }
    /// Of the slave, at which these bytes were written; 0: there are none.
    [[nodiscard]] revision revision_of_record() const { return mod_revision_; }
    /// What stands there, as far as we know, is record(), under our name.
    [[nodiscard]] bool is_ours() const { return ours_; }
    /// `seq` of the last record written over this connection; 0: none was.
    [[nodiscard]] std::uint64_t last_written() const { return last_written_; }
    [[nodiscard]] bool in_flight() const { return in_flight_; }
    [[nodiscard]] bool usable() const { return kv_.usable(); }
    [[nodiscard]] etcd::kv& kv() { return kv_; }

private:
    [[nodiscard]] etcd::range_query checkpoint_query() const;
    [[nodiscard]] etcd::unmodified_since as_found(const found_records& all) const;
    [[nodiscard]] std::string_view absent_whole(const found_records& all) const;

    etcd::kv kv_;
    const context* context_;
    std::string key_;
    const record_set* records_;
    checkpoint record_;
    std::string text_;           ///< the bytes that stand under the key
    revision mod_revision_ = 0;  ///< 0: the key does not exist
    std::uint64_t last_written_ = 0;
    bool sees_other_mode_ = true;
    bool ours_ = false;
    bool in_flight_ = false;
};

}  // namespace etcdsync::replication
