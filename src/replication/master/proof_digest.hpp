// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/master/revision_assembler.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// Computes the digest of the events of E from watch messages, in bounded memory: at most 256 KiB of events are held at a time,
/// and 8 bytes per event of a larger revision. The result is that of digest_of_events(). Pure.
class proof_digest {
public:
    /// Of the events of revision `of` that `selects` takes.
    proof_digest(revision of, revision_assembler::selector selects);
    proof_digest(const proof_digest&) = delete;  // the assembler calls back into this object

    void take(const etcd::watch_message& message, aio::clock::time_point now) { assembler_.take(message, now); }

    /// All of E's events were seen. There may be none.
    [[nodiscard]] bool complete() const { return assembler_.position() >= of_; }

    /// The digest; empty if E has no events that are selected, or if they are not complete.
    [[nodiscard]] const std::string& hex() const { return hex_; }

    /// The events cannot be compared: there are more than 131,072 or 16 MiB of them, or a large revision writes a key twice.
    [[nodiscard]] bool impossible() const { return impossible_; }

private:
    void add(const log_entry& entry);
    void note_keys(const log_entry& entry);
    [[nodiscard]] bool repeats_a_key();

    revision of_;
    revision_assembler assembler_;
    event_digest digest_;
    std::vector<std::uint64_t> keys_;  ///< hashes of the keys, if the revision comes in parts
    std::size_t bytes_ = 0;            ///< of keys and values, then
    std::string hex_;
    bool impossible_ = false;
};

}  // namespace etcdsync::replication
