// SPDX-License-Identifier: Apache-2.0
#include "app/render/slave_result.hpp"

#include "app/render/count.hpp"
#include "app/render/json.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {
namespace {

std::string_view plight_of(outcome of_master) {
    switch (of_master) {
        case outcome::unreachable: return "is not reachable";
        case outcome::denied: return "refuses us";
        default: return "cannot be worked with";
    }
}

slave_result judge_link(const replication::link_status& link, const sync_result& all) {
    slave_result out{.of = {link.slave, link.rule},
                     .cause = link.cause,
                     .revision = link.applied,
                     .puts = link.puts,
                     .deletes = link.deletes,
                     .foreign = link.foreign_keys,
                     .kept = link.kept_keys};
    if (link.state == replication::link_state::held) {
        out.how = outcome::held;
    } else if (link.finished && link.state == replication::link_state::in_sync) {
        out.how = outcome::good;
        out.cause.clear();
    } else if (link.finished) {
        out.how = outcome_of(link.failure);
    } else if (all.master_failed) {
        out.how = *all.master_failed;
        out.cause = all.master_cause;
    } else {
        out.how = outcome::interrupted;
        out.cause = "interrupted";
    }
    return out;
}

/// A feed that is refused knows nothing, which says nothing of the master.
etcd::revision known_revision(const replication::status& at_end) {
    etcd::revision least = 0;
    for (const replication::link_status& link : at_end.links) {
        if (link.known > 0 && (least == 0 || link.known < least)) least = link.known;
    }
    return least;
}

boost::json::object as_json(const slave_result& of) {
    boost::json::object out;
    out["name"] = json_text(of.of.name());
    if (!of.of.rule.empty()) {
        out["slave"] = of.of.slave;
        out["rule"] = json_text(of.of.rule);
    }
    out["state"] = of.how == outcome::good ? "in_sync" : to_string(of.how);
    if (of.how != outcome::good) out["cause"] = json_text(of.cause);
    if (of.how == outcome::good) out["revision"] = of.revision;
    out["puts"] = of.puts;
    out["deletes"] = of.deletes;
    out["foreign"] = of.foreign;
    out["kept"] = of.kept;
    return out;
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

std::string_view to_string(outcome how) {
    switch (how) {
        case outcome::good: return "equal";
        case outcome::different: return "different";
        case outcome::held: return "held";
        case outcome::unreachable: return "unreachable";
        case outcome::denied: return "denied";
        case outcome::failed: return "failed";
        case outcome::interrupted: return "interrupted";
    }
    return "failed";
}

bool is_refused(const replication::status& by) {
    return !by.master_serves && !by.master.cause.empty() && outcome_of(by.master.failure) == outcome::denied;
}

sync_result judge(const replication::status& at_end, bool master_gone) {
    sync_result out;
    out.master_revision = known_revision(at_end);
    if (master_gone) {
        out.master_failed = outcome_of(at_end.master.failure);
        out.master_cause = fmt::format("the master {}: {}", plight_of(*out.master_failed), at_end.master.cause);
    }
    for (const replication::link_status& link : at_end.links) out.slaves.push_back(judge_link(link, out));
    return out;
}

outcome outcome_of(const replication::inspection_report& report) {
    if (report.failed) return outcome_of(report.failed->why.cls);
    if (!report.guard_violation.empty()) return outcome::held;
    return report.changes() > 0 ? outcome::different : outcome::good;
}

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
    if (any(outcome::different)) return exit_code::differences;
    if (all(outcome::good)) return exit_code::ok;
    if (any(outcome::good)) return exit_code::partial;
    if (any(outcome::denied)) return exit_code::denied;
    return all(outcome::unreachable) ? exit_code::unreachable : exit_code::failed;
}

std::string kept_text(std::uint64_t keys) {
    return keys == 0 ? "" : fmt::format("; {} only on the slave kept", count(keys, "key"));
}

std::string result_line(const slave_result& of) {
    const std::string name = of.of.name();
    if (of.how == outcome::held) return fmt::format("{}: held: {}\n", name, of.cause);
    if (of.how == outcome::interrupted) return fmt::format("{}: {}\n", name, of.cause);
    if (of.how != outcome::good) return fmt::format("{}: failed: {}\n", name, of.cause);
    const std::string written = of.puts + of.deletes == 0
                                    ? "nothing to write"
                                    : fmt::format("{}, {}", count(of.puts, "put"), count(of.deletes, "delete"));
    return fmt::format("{}: in sync at revision {}: {}{}\n", name, of.revision, written,
                       kept_text(of.foreign + of.kept));
}

std::string result_json(const sync_result& all) {
    boost::json::object out;
    out["schema"] = 1;
    out["in_sync"] = code_for(outcomes(all.slaves)) == exit_code::ok;
    boost::json::object master;
    master["revision"] = all.master_revision;
    if (all.master_failed) {
        master["state"] = to_string(*all.master_failed);
        master["cause"] = json_text(all.master_cause);
    }
    out["master"] = std::move(master);
    boost::json::array slaves;
    for (const slave_result& one : all.slaves) slaves.push_back(as_json(one));
    out["slaves"] = std::move(slaves);
    return to_line(out);
}

}  // namespace etcdsync::app
