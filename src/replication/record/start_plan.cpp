// SPDX-License-Identifier: Apache-2.0
#include "replication/record/start_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Why a link cannot resume from a stored checkpoint; empty: it can.
std::string resume_obstacle(const checkpoint& record, const mapping& keys, const start_context& now) {
    if (record.instance != now.instance)
        return fmt::format("the checkpoint belongs to the instance \"{}\"", record.instance);
    if (record.cluster_id != now.cluster_id)
        return fmt::format("the checkpoint belongs to another master, cluster {:x}", record.cluster_id);
    if (record.rules != keys.digest()) return "the rules or the consistency mode changed";
    if (record.rev <= 0) return "nothing was copied yet";
    return now.proven ? std::string() : now.unproven_reason;
}

}  // namespace

start_plan plan_start(const std::optional<base::result<checkpoint>>& stored, const mapping& keys,
                      const start_context& now) {
    start_plan plan;
    std::vector<span> old;
    if (!stored) {
        plan.reason = "no checkpoint on the slave: this is the first sync";
    } else if (!*stored) {
        plan.reason = "the checkpoint on the slave is not readable: " + stored->error().text;
    } else {
        const checkpoint& record = **stored;
        plan.reason = resume_obstacle(record, keys, now);
        if (plan.reason.empty()) {
            plan.record = record;
            plan.record.rev = std::max(record.rev, now.unchanged_until);
            plan.proven = now.proven;
            return plan;
        }
        // Only a checkpoint of this instance says which keys of the slave are ours.
        if (record.instance == now.instance) {
            old = record.spans;
            plan.proven = now.proven && record.rev > 0;
        }
    }
    plan.full_sync = true;
    plan.record.instance = now.instance;
    plan.record.cluster_id = now.cluster_id;
    plan.record.raft_term = now.raft_term;
    plan.record.rev = now.master_position;
    plan.record.pass = plan.proven ? sync_pass::repair : sync_pass::count;
    plan.record.rules = keys.digest();
    plan.record.spans = spans_for(keys, old, now.slave_revision);
    return plan;
}

bool is_rival(const checkpoint& stored, std::string_view writer, std::uint64_t last_seq) {
    return !stored.writer.empty() && stored.writer != writer && last_seq > 0 && stored.seq >= last_seq;
}

}  // namespace etcdsync::replication
