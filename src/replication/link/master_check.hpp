// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/link_parts.hpp"
#include "replication/link/link_settings.hpp"
#include "replication/record/proof.hpp"

#include <cstdint>
#include <string>

namespace etcdsync::replication {

/// Whether the master is the one a slave was copied from (design.md section 6.4), asked on a connection of the link's own. It
/// lives as long as the link: a contradiction is not forgotten because the master looks right later.
class master_check {
public:
    master_check(const link_parts& parts, const link_settings& settings)
        : parts_(parts), settings_(settings), known_contradictions_(parts.source.contradictions()) {}

    /// Proves the master against the stored checkpoint; `record` may be one that describes nothing yet. A contradiction counts if
    /// a second connection, where possible to another endpoint, shows one as well.
    aio::awaitable<etcd::result<proof>> prove(checkpoint record);

    /// The contradictions so far are told by the checkpoint on the slave, or an operator agreed to this master.
    void settle();

    /// feed::continuity() of a session in which the master was known to be the one the slave follows.
    void trust(std::uint64_t continuity) { trusted_ = continuity; }
    /// True if the checkpoint is ours, and the feed has followed the master without a gap since: a proof of its own even if the
    /// master's state proves nothing.
    [[nodiscard]] bool is_continued(const checkpoint& record) const;

private:
    aio::awaitable<etcd::result<proof>> prove_once(checkpoint record);
    aio::awaitable<etcd::result<proof>> look(std::shared_ptr<net::channel> on, checkpoint record);
    [[nodiscard]] proof remember(proof found, const checkpoint& record);

    const link_parts& parts_;
    const link_settings& settings_;
    std::uint64_t known_contradictions_;
    std::string contradiction_;  ///< that was seen and is not settled; empty: none
    std::uint64_t trusted_ = 0;
};

}  // namespace etcdsync::replication
