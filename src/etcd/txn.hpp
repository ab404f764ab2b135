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

/// How many writes fit beside the guarded record in one Txn of a server that takes `max_ops` operations. Nested Txns
/// are counted against (limit - number of siblings in the parent): with 128, 64 x 63 at two levels (faults.md F1).
[[nodiscard]] std::size_t txn_capacity(unsigned max_ops);

/// A TxnRequest with its gRPC prefix: if `before` holds, all `writes` and the new `record` under the guard's key; else nothing.
/// Nested where that is needed, at most three levels.
/// Precondition: writes.size() <= txn_capacity(max_ops), keys unique and other than the guard's.
[[nodiscard]] std::string encode_guarded_txn(const guard& before, std::span<const operation> writes,
                                             std::string_view record, unsigned max_ops);

}  // namespace etcdsync::etcd
