// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/slave_result.hpp"

#include <algorithm>

namespace etcdsync::app {
namespace {

slave_result judge_link(const replication::link_status& link, const sync_result& all, const std::string& program) {
    slave_result out{.of = {link.slave, link.rule},
                     .cause = link.cause,
                     .revision = link.applied,
                     .puts = link.puts,
                     .deletes = link.deletes,
                     .foreign = link.foreign_keys,
                     .kept = link.kept_keys,
                     .approved = link.approved,
                     .next = {}};
    if (link.state == replication::link_state::held) {
        out.how = outcome::held;
        if (link.approvable) out.next = replication::suggest_approval(program, link.slave, false);
    } else if (link.finished && link.state == replication::link_state::in_sync) {
        out.how = outcome::good;
        out.cause.clear();
    } else if (link.finished) {
        out.how = outcome_of(link.failure);
        out.next = replication::suggest_for_failure(program, out.cause);
    } else if (all.master_failed) {
        out.how = *all.master_failed;
        out.cause = all.master_cause;
        out.by_master = true;
        out.next = replication::suggest_for_failure(program, out.cause);
    } else {
        out.how = outcome::interrupted;
        out.cause.clear();
    }
    return out;
}

/// The lowest of what the feeds know. A feed that was refused knows nothing: that says nothing about the master.
etcd::revision known_revision(const replication::status& at_end) {
    etcd::revision least = 0;
    for (const replication::link_status& link : at_end.links) {
        if (link.known > 0 && (least == 0 || link.known < least)) least = link.known;
    }
    return least;
}

}  // namespace

outcome outcome_of(etcd::error_class failure) {
    switch (failure) {
        case etcd::error_class::retry:
        case etcd::error_class::ambiguous: return outcome::unreachable;
        case etcd::error_class::denied:
        case etcd::error_class::reauthenticate: return outcome::denied;
        case etcd::error_class::cancelled: return outcome::interrupted;
        default: return outcome::failed;
    }
}

bool is_refused(const replication::status& by) {
    return !by.master_serves && !by.master.cause.empty() && outcome_of(by.master.failure) == outcome::denied;
}

sync_result evaluate(const replication::status& at_end, bool master_gone, const std::string& program) {
    sync_result out;
    out.master_revision = known_revision(at_end);
    if (master_gone) {
        out.master_failed = outcome_of(at_end.master.failure);
        out.master_cause = at_end.master.cause;
    }
    for (const replication::link_status& link : at_end.links) out.slaves.push_back(judge_link(link, out, program));
    return out;
}

outcome outcome_of(const replication::inspection_report& report) {
    if (report.failed) return outcome_of(report.failed->why.cls);
    if (!report.guard_violation.empty() && !report.approved) return outcome::held;
    return report.changes() > 0 || report.too_far_behind ? outcome::different : outcome::good;
}

replication::suggestions suggest(const std::string& program, const part& of,
                                 const replication::inspection_report& report) {
    if (report.failed) return replication::suggest_for_failure(program, report.failed->why.text);
    if (outcome_of(report) == outcome::held) return replication::suggest_approval(program, of.slave, false);
    return {};
}

bool is_success(outcome how) { return how == outcome::good || how == outcome::different; }

std::vector<outcome> outcomes(const std::vector<slave_result>& slaves) {
    std::vector<outcome> out;
    for (const slave_result& one : slaves) out.push_back(one.how);
    return out;
}

exit_code code_for(const std::vector<outcome>& parts) {
    const auto any = [&](outcome how) { return std::find(parts.begin(), parts.end(), how) != parts.end(); };
    const auto all = [&](outcome how) {
        return std::all_of(parts.begin(), parts.end(), [how](outcome one) { return one == how; });
    };
    if (any(outcome::held)) return exit_code::held;
    const bool compared = any(outcome::good) || any(outcome::different);
    if (compared && !std::ranges::all_of(parts, is_success)) return exit_code::partial;
    if (any(outcome::different)) return exit_code::differences;
    if (all(outcome::good)) return exit_code::ok;
    if (any(outcome::denied)) return exit_code::denied;
    return all(outcome::unreachable) ? exit_code::unreachable : exit_code::failed;
}

}  // namespace etcdsync::app
