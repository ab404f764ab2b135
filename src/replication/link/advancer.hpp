// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/link/slave_session.hpp"
#include "replication/slave/advance.hpp"

#include <optional>
#include <vector>

namespace etcdsync::replication {

/// Moves R of a session: whole revisions of the master in one Txn if they fit, in parts if they do not (design.md P1, P8).
class advancer {
public:
    explicit advancer(slave_session& session)
        : session_(&session), parts_(session.parts()), position_(session.position()) {}

    /// Applies what the log has after R. `behind` if the log does not reach back to R, or if it holds a mass delete that only a
    /// watch of the link's own can replay: then replay_until() says up to where.
    aio::awaitable<step_result> advance_to_head();

    /// Applies the next Txn of the entries [first, last), which together reach up to `end`, and follow on R.
    aio::awaitable<step_result> apply_next(entry_iterator first, entry_iterator last, revision end);

    /// Applies one part of a revision that is too large to be held as a whole.
    aio::awaitable<step_result> apply_part(const log_entry& part);

    /// The log takes over from a watch of the link's own at this revision at the earliest; 0: at any.
    [[nodiscard]] revision replay_until() const { return replay_until_; }

private:
    aio::awaitable<step_result> commit_at(const batch& writes, checkpoint next);
    aio::awaitable<step_result> apply_too_big(entry_iterator first, entry_iterator last, revision end);
    aio::awaitable<step_result> apply_mass_delete(log_entry entry);
    aio::awaitable<etcd::result<std::optional<batch>>> plan_mass_delete(log_entry entry);
    aio::awaitable<step_result> write_in_parts(const batch& all, const checkpoint* whole);
    void report_split(revision rev);

    slave_session* session_;
    const link_parts& parts_;
    checkpoint& position_;
    revision replay_until_ = 0;
};

}  // namespace etcdsync::replication
