// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keys/key_range.hpp"
#include "replication/master/revision_assembler.hpp"

namespace etcdsync::replication {

/// The keys of the master that a feed reads.
struct selection {
    keys::key_range cover;  ///< contains every key that `selects` may take
    revision_assembler::selector selects;
};

}  // namespace etcdsync::replication
