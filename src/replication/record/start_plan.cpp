// SPDX-License-Identifier: Apache-2.0
#include "replication/record/start_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Why a link cannot resume from a stored checkpoint; empty: it can.
std::string resume_obstacle(const checkpoint& record, const mapping& keys, const start_context& now) {
    if (record.cluster_id != now.cluster_id)
        return fmt::format("the checkpoint belongs to another master, cluster {:x}", record.cluster_id);
    if (record.rules.empty()) return "the checkpoint is of another version or consistency mode";
    if (record.rules != keys.digest()) return "the rules or the consistency mode changed";
    if (record.rev <= 0) return "nothing was copied yet";
    return now.proven ? std::string() : now.unproven_reason;
}

/// The slave is not the store, or not as new as the store, that the checkpoint was written on.
bool was_restored(const checkpoint& record, const start_context& now) {
    if (record.slave_cluster_id == 0) return false;
    return record.slave_cluster_id != now.slave_cluster_id || now.slave_revision < record.slave_revision;
}

/// `record` on the slave as it is now.
checkpoint as_of(checkpoint record, const start_context& now) {
    // What a restored slave has now may be older than etcd-sync: keys that only it has are foreign.
    if (was_restored(record, now)) {
        for (span& s : record.spans) s.since = now.slave_revision;
    }
    record.slave_cluster_id = now.slave_cluster_id;
    record.slave_revision = now.slave_revision;
    return record;
}

/// Until something of the other history is written, the checkpoint says that there is one: what was agreed to may be interrupted.
void mark_other(checkpoint& record) {
    record.other = true;
    record.pass = sync_pass::none;
    record.frontier.clear();
    record.split = false;
}

/// Keeps what was stored if it proves more than a new checkpoint that describes nothing yet.
void keep_until_written(start_plan& plan, const checkpoint& old, const start_context& now) {
    const bool complete = old.pass == sync_pass::none && !old.other;
    if (old.rev == 0 || !(complete || old.other)) return;
    plan.kept = old;
    if (!plan.proven && now.continuous && complete && !old.rules.empty()) plan.known_until = old.rev;
}

}  // namespace

start_plan plan_start(const std::optional<base::result<checkpoint>>& stored, const mapping& keys,
                      const start_context& now) {
    start_plan plan;
    checkpoint old;
    if (!stored) {
        plan.reason = "no checkpoint on the slave: this is the first sync";
    } else if (!*stored) {
        plan.reason = "the checkpoint on the slave is not readable: " + stored->error().text;
    } else {
        old = as_of(**stored, now);
        if (now.accepted_other) mark_other(old);
        plan.reason = resume_obstacle(old, keys, now);
        plan.proven = now.proven && old.rev > 0;
        if (plan.reason.empty()) {
            plan.record = std::move(old);
            if (now.raft.known()) plan.record.raft = now.raft;
            move_unchanged(plan.record, now.unchanged_until);
            return plan;
        }
        keep_until_written(plan, old, now);
    }
    plan.full_sync = true;
    plan.record.cluster_id = now.cluster_id;
    plan.record.raft = plan.proven && !now.raft.known() ? old.raft : now.raft;
    plan.record.rev = now.master_position;
    plan.record.pass = plan.proven ? sync_pass::repair : sync_pass::count;
    plan.record.rules = keys.digest();
    plan.record.spans = spans_for(keys, old.spans, now.slave_revision);
    plan.record = as_of(std::move(plan.record), now);
    return plan;
}

bool is_rival(const checkpoint& stored, std::string_view writer, std::uint64_t last_seq) {
    return !stored.writer.empty() && stored.writer != writer && last_seq > 0 && stored.seq >= last_seq;
}

}  // namespace etcdsync::replication
