// SPDX-License-Identifier: Apache-2.0
#include "app/render/verify_lines.hpp"

#include "app/render/count.hpp"
#include "app/render/json.hpp"
#include "app/render/slave_result_text.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

namespace etcdsync::app {
namespace {

using kind = replication::difference::kind;

std::string_view name_of(kind what) {
    switch (what) {
        case kind::missing: return "missing";
        case kind::different: return "different";
        case kind::extra: return "extra";
        case kind::foreign: return "foreign";
        case kind::kept: return "kept";
    }
    return "different";
}

boost::json::object line_of(std::string_view type) {
    boost::json::object out;
    out["schema"] = 1;
    out["type"] = type;
    return out;
}

boost::json::object line_of(std::string_view type, const part& of) {
    boost::json::object out = line_of(type);
    out["slave"] = of.slave;
    if (!of.rule.empty()) out["rule"] = json_text(of.rule);
    return out;
}

/// "2 missing, 1 different": what there is, and nothing else.
std::string parts_of(const replication::inspection_report& report) {
    std::string out;
    const auto add = [&out](std::uint64_t number, std::string_view what) {
        if (number > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", number, what);
    };
    add(report.missing, "missing");
    add(report.different, "different");
    add(report.extra, "only on the slave");
    return out;
}

std::string failure_text(const replication::inspection_report& report) {
    return (report.failed->of_master ? "the master: " : "") + report.failed->why.text;
}

}  // namespace

std::string difference_line(const replication::difference& d) {
    const std::string key = base::printable(d.key, d.key.size());
    switch (d.what) {
        case kind::missing: return fmt::format("  + {}  missing ({})\n", key, base::format_bytes(d.master_bytes));
        case kind::different: {
            const std::string before = base::format_bytes(d.slave_bytes);
            return fmt::format("  * {}  differs ({} -> {})\n", key, before, base::format_bytes(d.master_bytes));
        }
        case kind::extra: return fmt::format("  - {}  only on the slave\n", key);
        case kind::foreign: return fmt::format("  ~ {}  only on the slave since before the first sync, kept\n", key);
        case kind::kept: return fmt::format("  ~ {}  only on the slave, kept as configured\n", key);
    }
    return {};
}

std::string difference_json(const part& of, const replication::difference& d) {
    boost::json::object out = line_of("difference", of);
    out["kind"] = name_of(d.what);
    put_key(out, "key", d.key);
    const bool on_master = d.what == kind::missing || d.what == kind::different;
    if (on_master) out["master_bytes"] = d.master_bytes;
    if (d.what == kind::different) out["slave_bytes"] = d.slave_bytes;
    return to_line(out);
}

std::string report_line(std::string_view name, const replication::inspection_report& report) {
    if (report.failed) return fmt::format("{}: failed: {}\n", name, failure_text(report));
    const std::string keys = count(report.compared, "key");
    const std::string present =
        report.why_present.empty() ? "" : fmt::format(" (compared with the current revision: {})", report.why_present);
    const std::string kept = kept_text(report.foreign + report.kept);
    const std::string held = report.guard_violation.empty()
                                 ? ""
                                 : fmt::format("{}: a sync would be held: {}\n", name, report.guard_violation);
    if (report.changes() == 0) {
        return fmt::format("{}: equal to the master at revision {}{}: {}{}\n{}", name, report.master_revision, present,
                           keys, kept, held);
    }
    return fmt::format("{}: {} (the master has {}) at revision {} of the master{}: {}{}\n{}", name,
                       count(report.changes(), "difference"), count(report.compared, "matching key"),
                       report.master_revision, present, parts_of(report), kept, held);
}

std::string report_json(const part& of, const replication::inspection_report& report) {
    boost::json::object out = line_of("slave", of);
    const outcome how = outcome_of(report);
    out["state"] = to_string(how);
    if (report.failed) out["cause"] = json_text(failure_text(report));
    out["master_revision"] = report.master_revision;
    out["slave_revision"] = report.slave_revision;
    out["at_record"] = report.at_record;
    if (!report.why_present.empty()) out["why_present"] = json_text(report.why_present);
    out["keys"] = report.compared;
    out["missing"] = report.missing;
    out["different"] = report.different;
    out["extra"] = report.extra;
    out["foreign"] = report.foreign;
    out["kept"] = report.kept;
    if (!report.guard_violation.empty()) out["would_be_held"] = json_text(report.guard_violation);
    return to_line(out);
}

std::string repair_json(const slave_result& of) {
    boost::json::object out = line_of("repair", of.of);
    out["state"] = of.how == outcome::good ? "in_sync" : to_string(of.how);
    if (of.how != outcome::good) out["cause"] = json_text(cause_of(of));
    out["puts"] = of.puts;
    out["deletes"] = of.deletes;
    return to_line(out);
}

std::string summary_line(const verify_summary& all) {
    return fmt::format("{} of {} compared, {}, {}\n", all.compared, count(all.slaves, "slave"),
                       count(all.changes, "difference"),
                       all.written > 0 ? count(all.written, "key") + " written" : "nothing written");
}

std::string summary_json(const verify_summary& all, exit_code code) {
    boost::json::object out = line_of("summary");
    out["equal"] = code == exit_code::ok;
    out["exit_code"] = static_cast<int>(code);
    out["slaves"] = all.slaves;
    out["compared"] = all.compared;
    out["differences"] = all.changes;
    out["written"] = all.written;
    return to_line(out);
}

}  // namespace etcdsync::app
