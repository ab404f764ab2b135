// SPDX-License-Identifier: Apache-2.0
#include "app/render/verify_json.hpp"

#include "app/render/json.hpp"
#include "app/render/slave_result_text.hpp"
#include "app/render/verify_lines.hpp"

namespace etcdsync::app {
namespace {

using kind = replication::difference::kind;

std::string_view name_of(kind what) {
    switch (what) {
        case kind::missing: return "missing";
        case kind::different: return "different";
        case kind::extra:
        case kind::adopted: return "extra";
        case kind::foreign: return "foreign";
        case kind::kept: return "kept";
    }
    return "different";
}

}  // namespace

boost::json::object difference_object(const replication::difference& d) {
    boost::json::object out;
    out["kind"] = name_of(d.what);
    put_key(out, "key", d.key);
    const bool on_master = d.what == kind::missing || d.what == kind::different;
    if (on_master) out["master_bytes"] = d.master_bytes;
    if (d.what == kind::different) out["slave_bytes"] = d.slave_bytes;
    if (d.what == kind::adopted) out["adopted"] = true;
    return out;
}

boost::json::object report_object(const replication::inspection_report& report, const replication::suggestions& next) {
    boost::json::object out;
    out["state"] = to_string(outcome_of(report));
    if (report.failed) out["cause"] = json_text(failure_text(report));
    out["revision"] = report.compared_revision;
    out["master_revision"] = report.master_revision;
    if (report.behind) out["behind"] = *report.behind;
    out["slave_revision"] = report.slave_revision;
    out["at_checkpoint"] = report.at_checkpoint;
    if (!report.current_cause.empty()) out["current_cause"] = json_text(report.current_cause);
    out["keys"] = report.compared;
    out["missing"] = report.missing;
    out["different"] = report.different;
    out["extra"] = report.extra;
    out["adopted"] = report.adopted;
    out["foreign"] = report.foreign;
    out["kept"] = report.kept;
    if (!report.guard_violation.empty())
        out[report.approved ? "would_be_approved" : "would_be_held"] = json_text(report.guard_violation);
    put_suggestions(out, next);
    return out;
}

boost::json::object repair_object(const slave_result& of) {
    boost::json::object out;
    out["state"] = of.how == outcome::good ? "in_sync" : to_string(of.how);
    if (of.how != outcome::good) out["cause"] = json_text(cause_of(of));
    out["puts"] = of.puts;
    out["deletes"] = of.deletes;
    put_suggestions(out, of.next);
    return out;
}

boost::json::object summary_object(const verify_summary& all, exit_code code) {
    boost::json::object out;
    out["selected"] = all.selected;
    out["compared"] = all.compared;
    out["differences"] = all.differences;
    out["too_far_behind"] = all.too_far_behind;
    out["written"] = all.written;
    out["exit_code"] = static_cast<int>(code);
    return out;
}

}  // namespace etcdsync::app
