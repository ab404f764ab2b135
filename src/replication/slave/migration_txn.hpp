// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/record/migration.hpp"
#include "replication/slave/batch.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

/// The Txns that carry out a migration of checkpoints: one if the slave takes it, else several. Pure.
namespace etcdsync::replication {

/// The writes of a migration, in the order of its steps: first what is put, then what is deleted. So a crash between two Txns
/// leaves checkpoints of both modes, or more of one mode than are wanted: the next migration removes the rest, and if they are of
/// both modes, trusts none of them (plan_migration()). What is put does not fit in one Txn only if there are very many
/// rules, or if the slave accepts no nested Txns (etcd 3.2).
class migration_writes {
public:
    /// The new checkpoints get `writer` and `time`.
    migration_writes(const migration& plan, std::string_view writer, std::string_view time);
    migration_writes(const migration_writes&) = delete;  // the writes refer to the texts

    [[nodiscard]] std::size_t size() const { return writes_.size(); }

    /// As many writes from number `first` on as fit in one Txn of `limits`, one checkpoint at least; its two keys are never in
    /// different Txns. The result refers to this object.
    [[nodiscard]] batch next(std::size_t first, const txn_limits& of_slave) const;

private:
    std::deque<std::string> texts_;
    std::vector<etcd::operation> writes_;
};

/// Encodes a Txn of a migration, for etcd::kv::txn(). It does nothing unless the checkpoints of `records` are still as they were
/// `found`. Precondition: `writes` is not empty, and checkpoints were found.
[[nodiscard]] std::string encode_migration_txn(const batch& writes, const found_records& found,
                                               const record_set& records, unsigned max_ops);

/// Updates what was `found` by `writes`, which were applied at revision `at`.
void apply(const batch& writes, revision at, const record_set& records, found_records& found);

}  // namespace etcdsync::replication
