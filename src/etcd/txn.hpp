// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::etcd {

/// One write of a Txn; views the caller keeps alive until it is encoded.
struct operation {
    event_type type = event_type::put;
    std::string_view key;
    std::string_view value;
    std::string_view range_end = {};  ///< of a delete of all keys from `key` on; empty: of the one key

    /// Bytes it takes in a TxnRequest, nesting left out.
    [[nodiscard]] std::size_t encoded_size() const;
};

/// The compare that stands in front of every write of ours: the record `key` is as we left it. Both its mod_revision and
/// its bytes are compared, because a wiped slave can repeat revisions (faults.md section 8).
struct guard {
    std::string_view key;
    revision mod_revision = 0;  ///< 0: the key must not exist
    std::string_view value;     ///< not compared where the key must not exist
};

/// A further condition of a Txn: no key is in [key, range_end) (`range_end` empty: not this one key).
struct vacancy {
    std::string_view key;
    std::string_view range_end;
};

/// A further condition of a Txn: no key of [key, range_end) was written after `rev`, and `sample`, which need not lie in it, still
/// holds `value`. The sample is what tells a store that was wiped since. Deletes in the interval are not seen.
struct stillness {
    std::string_view key;
    std::string_view range_end;
    revision rev = 0;
    std::string_view sample;
    std::string_view value;
};

/// How many writes fit beside the guarded record in one Txn of a server that takes `max_ops` operations. Nested Txns
/// are counted against (limit - number of siblings in the parent): with 128, 64 x 63 at two levels (faults.md F1).
[[nodiscard]] std::size_t txn_capacity(unsigned max_ops);

/// A TxnRequest with its gRPC prefix: if `before` holds, all `writes` and the new `record` under the guard's key; else nothing.
/// Nested where that is needed, at most three levels. `empty` is compared, too, where its key is not empty.
/// Precondition: writes.size() <= txn_capacity(max_ops), keys unique and other than the guard's.
[[nodiscard]] std::string encode_guarded_txn(const guard& before, std::span<const operation> writes,
                                             std::string_view record, unsigned max_ops, const vacancy& empty = {});

/// A TxnRequest with its gRPC prefix: `writes`, if nothing moved since and, where `absent` is not empty, that key does not exist.
/// Precondition: as above, and writes is not empty.
[[nodiscard]] std::string encode_quiet_txn(const stillness& since, std::string_view absent,
                                           std::span<const operation> writes, unsigned max_ops);

/// A TxnRequest with its gRPC prefix that never writes: its one condition, on `readable`, can not hold. etcd looks at the permissions
/// of `would_write` all the same (apply_auth.go: both branches, whichever runs), so it is refused where the user may not write
/// there, or not read `readable`; and a Txn that does nothing leaves the revision alone.
[[nodiscard]] std::string encode_permission_probe(std::string_view readable, const operation& would_write);

}  // namespace etcdsync::etcd
