// SPDX-License-Identifier: Apache-2.0
#include "replication/link/slave_session.hpp"

#include "replication/link/pass_position.hpp"
#include "replication/slave/learned_limits.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {

slave_session::slave_session(const link_parts& parts, slave_writer& slave)
    : parts_(parts), writer_(&slave), history_(parts.source), last_commit_(parts.with.clock.now()),
      last_contact_(last_commit_) {}

std::optional<step_result> slave_session::interrupted() const {
    if (parts_.control.stopping()) return end_reason::stopped;
    if (!parts_.control.may_write() || parts_.control.has_request()) return end_reason::restart;
    if (!history_.is_current(parts_.source)) return end_reason::restart;
    return std::nullopt;
}

std::optional<step_result> slave_session::broken() const {
    if (writer_->kv().usable()) return std::nullopt;
    return step_result(end_reason::slave_failed, etcd::error(etcd::error_class::retry, writer_->kv().why_unusable()));
}

aio::awaitable<step_result> slave_session::claim(const start_plan& plan) {
    history_.proven = plan.proven;
    history_.known_until = plan.known_until;
    history_.is_first = plan.full_sync && !plan.proven && !plan.kept;
    take(plan.kept ? *plan.kept : plan.record);
    if (applied_revision_is_valid(position_)) parts_.report.status().applied = position_.rev;
    auto end = co_await commit_position();
    if (end.reason != end_reason::done || !plan.kept) co_return end;
    take(plan.record);
    co_return end;
}

void slave_session::take(checkpoint record) {
    position_ = std::move(record);
    position_.writer = parts_.with.writer;
    // An approval of one full sync claims them only if there is a full sync.
    if (!parts_.guards.for_one_sync || in_full_sync(position_)) adopt_foreign_keys();
}

void slave_session::adopt_foreign_keys() {
    if (!parts_.guards.adopts_foreign_keys) return;
    for (span& s : position_.spans) s.since = 0;
}

aio::awaitable<step_result> slave_session::commit_position() {
    const batch nothing(parts_.limits.now());
    co_return co_await commit(nothing);
}

aio::awaitable<step_result> slave_session::commit(const batch& writes) {
    // What was read from a master that has changed since is not written.
    if (auto end = interrupted()) co_return std::move(*end);
    position_.slave_revision = std::max(position_.slave_revision, writer_->slave_revision());
    const auto committed = co_await writer_->commit(writes, position_, parts_.limits.now());
    if (!committed) {
        using loss = learned_limits::loss;
        if (committed.error().cls == etcd::error_class::ambiguous)
            parts_.limits.note_unanswered(writes, writer_->kv().usable() ? loss::timeout : loss::broken);
        co_return step_result(end_reason::slave_failed, with_key_size(committed.error(), writes));
    }
    parts_.limits.note_success(writes);
    if (!*committed) co_return end_reason::contested;
    last_commit_ = parts_.with.clock.now();
    last_contact_ = last_commit_;
    position_ = writer_->record();
    count(writes);
    co_return end_reason::done;
}

void slave_session::count(const batch& written) {
    if (!written.empty()) has_written_ = true;
    link_status& status = parts_.report.status();
    if (applied_revision_is_valid(position_)) status.applied = position_.rev;
    status.progress.bytes += written.bytes();
    for (const etcd::operation& write : written.writes())
        ++(write.type == etcd::event_type::put ? status.puts : status.deletes);
}

aio::awaitable<step_result> slave_session::refresh_checkpoint() {
    // Without this, a quiet slave beside a busy master would some day be below the master's compaction.
    const bool moved = position_.rev != writer_->record().rev;
    if (!moved || parts_.with.clock.now() - last_commit_ < refresh_interval) co_return end_reason::done;
    co_return co_await commit_position();
}

aio::awaitable<step_result> slave_session::check_slave() {
    const auto same = co_await writer_->checkpoint_unchanged();
    if (!same) co_return step_result(end_reason::slave_failed, same.error());
    last_contact_ = parts_.with.clock.now();
    if (!*same) co_return end_reason::restart;
    if (!writer_->lost_manifest()) co_return end_reason::done;
    // As it is stored: the position of this session may not be due yet.
    const batch nothing(parts_.limits.now());
    const auto written = co_await writer_->commit(nothing, writer_->record(), parts_.limits.now());
    if (!written) co_return step_result(end_reason::slave_failed, written.error());
    if (!*written) co_return end_reason::contested;
    co_return end_reason::done;
}

}  // namespace etcdsync::replication
