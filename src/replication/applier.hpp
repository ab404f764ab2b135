// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "replication/batch.hpp"
#include "replication/checkpoint.hpp"
#include "replication/context.hpp"

#include <optional>
#include <string>

namespace etcdsync::replication {

/// The only writer on a slave: reads and claims the checkpoint, then applies one guarded Txn after the other, each of which
/// carries the checkpoint and compares the one before it. What was in flight when an answer was lost is settled by reading the
/// checkpoint again: by a new applier on a new connection.
class applier {
public:
    applier(etcd::kv slave, const context& with, std::string checkpoint_key)
        : kv_(std::move(slave)), context_(&with), key_(std::move(checkpoint_key)) {}

    /// What stands under the checkpoint's key, and the slave's revision.
    struct found {
        std::optional<base::result<checkpoint>> record;  ///< nothing: there is none; an error: not readable
        revision slave_revision = 0;
    };

    /// A linearizable read: also the probe whether the slave can be worked with.
    aio::awaitable<etcd::result<found>> read();

    /// Applies `writes` and puts `next` under the checkpoint's key, if that still is what was read or written last. True: done,
    /// record() is `next` now. False: somebody else wrote there; nothing was done, read() again. `writes` stays alive.
    /// `next.writer` is the caller's: its own name, or nobody's at its orderly end.
    aio::awaitable<etcd::result<bool>> commit(const batch& writes, checkpoint next, unsigned max_ops);

    /// Whether the checkpoint still is as we left it.
    aio::awaitable<etcd::result<bool>> undisturbed();

    [[nodiscard]] const checkpoint& record() const { return record_; }
    /// What stands there, as far as we know, is record(), under our name.
    [[nodiscard]] bool is_ours() const { return ours_; }
    /// `seq` of the last record written over this connection; 0: none was.
    [[nodiscard]] std::uint64_t last_written() const { return last_written_; }
    [[nodiscard]] bool in_flight() const { return in_flight_; }
    [[nodiscard]] bool usable() const { return kv_.usable(); }
    [[nodiscard]] etcd::kv& kv() { return kv_; }

private:
    [[nodiscard]] etcd::range_query checkpoint_query() const;

    etcd::kv kv_;
    const context* context_;
    std::string key_;
    checkpoint record_;
    std::string text_;           ///< the bytes that stand under the key
    revision mod_revision_ = 0;  ///< 0: the key does not exist
    std::uint64_t last_written_ = 0;
    bool ours_ = false;
    bool in_flight_ = false;
};

}  // namespace etcdsync::replication
