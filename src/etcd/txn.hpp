// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::etcd {

/// One write of a Txn. The views must stay valid until it is encoded.
struct operation {
    event_type type = event_type::put;
    std::string_view key;
    std::string_view value;
    std::string_view range_end = {};  ///< of a delete of [key, range_end); empty: one key
    std::int64_t lease = 0;           ///< of a put: the key is deleted when this lease ends; 0: none

    /// Size in a TxnRequest, in bytes, without the overhead of nesting.
    [[nodiscard]] std::size_t encoded_size() const;
};

/// The condition of all our writes: the checkpoint `key` is as we wrote it. Both its mod_revision
/// and its bytes are compared, because a wiped slave can repeat revisions (faults.md section 8).
struct guard {
    std::string_view key;
    revision mod_revision = 0;  ///< 0: the key must not exist
    std::string_view value;     ///< ignored if the key must not exist
};

/// A further condition of a Txn: no key exists in [key, range_end). If `range_end` is empty: `key`
/// does not exist.
struct absent_condition {
    std::string_view key;
    std::string_view range_end;
};

/// A condition of a Txn: no key in [key, range_end) was written after `rev`, and the key `sample`,
/// inside or outside the interval, still has `value`. The sample detects a store that was wiped
/// since. Deletes in the interval are not detected.
struct unmodified_since {
    std::string_view key;
    std::string_view range_end;
    revision rev = 0;
    std::string_view sample;
    std::string_view value;
};

/// How many writes fit into one Txn besides the checkpoint, if the server accepts `max_ops`
/// operations. The operations of a nested Txn are limited to (limit - number of siblings in the
/// parent): with 128, 64 x 63 at two levels (faults.md F1).
[[nodiscard]] std::size_t txn_capacity(unsigned max_ops);

/// Encodes a TxnRequest with its gRPC prefix: if `before` is true, do all `writes` and put the new
/// `record` under the key of the guard; else nothing. Nested if needed, at most three levels.
/// `absent` is a further condition if its key is not empty. `manifest` is one more put, beside the
/// record, if its key is not empty; it takes the place of one operation. Precondition:
/// writes.size() <= txn_capacity(max_ops), or with a manifest has_room_for_manifest(); keys are
/// unique and differ from the key of the guard.
[[nodiscard]] std::string encode_guarded_txn(const guard& before, std::span<const operation> writes,
                                             std::string_view record, unsigned max_ops,
                                             const absent_condition& absent = {}, const operation& manifest = {});

/// True if a Txn with this many writes can put a manifest as well, with no more nesting than without.
[[nodiscard]] bool has_room_for_manifest(std::size_t writes, unsigned max_ops);

/// Encodes a TxnRequest with its gRPC prefix: if `since` is true and the key `absent` does not
/// exist (not checked if empty), do all `writes`; else nothing. Precondition: as above, and
/// `writes` is not empty.
[[nodiscard]] std::string encode_conditional_txn(const unmodified_since& since, std::string_view absent,
                                                 std::span<const operation> writes, unsigned max_ops);

/// Encodes a TxnRequest with its gRPC prefix: if `before` is true, put `value` under its key,
/// attached to `lease` (not 0); else nothing.
[[nodiscard]] std::string encode_leased_put(const guard& before, std::string_view value, std::int64_t lease);

/// Encodes a TxnRequest with its gRPC prefix that never writes, because its one condition, on
/// `readable`, cannot be true. etcd still checks the permissions of `would_write` (apply_auth.go
/// checks both branches), so it refuses the Txn if the user may not write there or not read
/// `readable`. A Txn without effect does not change the revision.
[[nodiscard]] std::string encode_permission_probe(std::string_view readable, const operation& would_write);

}  // namespace etcdsync::etcd
