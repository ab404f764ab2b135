// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/process_table.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// The value of the leader key: which process replicates to a slave (design.md section 6, Link 3).
struct leader_record {
    base::process_identity process;
    std::string writer;            ///< its name in checkpoints; random per process
    std::string since;             ///< RFC 3339
    std::uint64_t cluster_id = 0;  ///< of its master
    std::string rules;             ///< digest of what it replicates to this slave

    friend bool operator==(const leader_record&, const leader_record&) = default;
};

/// Encodes the value as JSON.
[[nodiscard]] std::string encode(const leader_record& record);

/// Parses a value. Data on a slave is not trusted: anything but a record of format 1 with valid
/// values is an error that says what is wrong.
[[nodiscard]] base::result<leader_record> parse_leader_record(std::string_view text);

/// The leader key of an instance. No instance has a checkpoint there: names of instances have no ":".
[[nodiscard]] std::string leader_key(std::string_view checkpoint_prefix, std::string_view instance);

}  // namespace etcdsync::replication
