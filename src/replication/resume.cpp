// SPDX-License-Identifier: Apache-2.0
#include "replication/resume.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Why a stored record can not be gone on from; empty: it can.
std::string doubt(const checkpoint& record, const mapping& keys, const surroundings& now) {
    if (record.instance != now.instance)
        return fmt::format("the checkpoint is of the instance \"{}\"", record.instance);
    if (record.cluster_id != now.cluster_id)
        return fmt::format("the checkpoint is of another master, cluster {:x}", record.cluster_id);
    if (record.rules != keys.digest()) return "the rules changed";
    if (record.rev <= 0) return "nothing was copied yet";
    return now.proven ? std::string() : now.doubt;
}

}  // namespace

start_plan plan_start(const std::optional<base::result<checkpoint>>& stored, const mapping& keys,
                      const surroundings& now) {
    start_plan plan;
    std::vector<span> old;
    if (!stored) {
        plan.reason = "no checkpoint on the slave: this is the first sync";
    } else if (!*stored) {
        plan.reason = "the checkpoint on the slave is not readable: " + stored->error().text;
    } else {
        const checkpoint& record = **stored;
        plan.reason = doubt(record, keys, now);
        if (plan.reason.empty()) {
            plan.record = record;
            plan.record.rev = std::max(record.rev, now.unchanged_until);
            plan.proven = now.proven;
            return plan;
        }
        // Spans are a claim on keys of the slave: nobody else's instance gives us one.
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
    plan.record.spans = claim_spans(keys, old, now.slave_revision);
    return plan;
}

std::vector<span> claim_spans(const mapping& keys, const std::vector<span>& old, revision since_now) {
    std::vector<span> claimed;
    for (const segment& part : keys.segments()) {
        std::vector<config::key_range> fresh{part.target};
        for (const span& before : old) {
            if (const auto shared = config::intersect(part.target, before.keys))
                claimed.push_back({*shared, before.since});
            std::vector<config::key_range> left;
            for (const config::key_range& range : fresh) {
                for (config::key_range& rest : config::subtract(range, before.keys)) left.push_back(std::move(rest));
            }
            fresh = std::move(left);
        }
        for (config::key_range& range : fresh) claimed.push_back({std::move(range), since_now});
    }
    std::sort(claimed.begin(), claimed.end(), [](const span& a, const span& b) { return a.keys.begin < b.keys.begin; });
    return claimed;
}

bool is_rival(const checkpoint& stored, std::string_view writer, std::uint64_t last_seq) {
    return !stored.writer.empty() && stored.writer != writer && last_seq > 0 && stored.seq >= last_seq;
}

bool is_foreign(const std::vector<span>& spans, std::string_view key, revision mod_revision) {
    for (const span& s : spans) {
        if (s.keys.contains(key)) return mod_revision <= s.since;
    }
    return true;  // in no span of ours
}

}  // namespace etcdsync::replication
