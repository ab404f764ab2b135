// SPDX-License-Identifier: Apache-2.0
#include "app/render/verify_lines.hpp"

#include "app/render/count.hpp"
#include "app/render/slave_result_text.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"

#include <fmt/format.h>

namespace etcdsync::app {
namespace {

using kind = replication::difference::kind;

/// "2 missing, 1 different": what there is, and nothing else.
std::string parts_of(const replication::inspection_report& report) {
    std::string out;
    const auto add = [&out](std::uint64_t number, std::string_view what) {
        if (number > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", number, what);
    };
    add(report.missing, "missing");
    add(report.different, "different");
    add(report.extra, "only on the slave");
    if (report.adopted > 0) out += fmt::format(" ({} of them foreign)", report.adopted);
    return out;
}

/// ", 29 revisions behind 172": empty if it is not behind.
std::string behind_text(const replication::inspection_report& report) {
    if (report.behind.value_or(0) == 0) return {};
    const std::string revisions = count(static_cast<std::size_t>(*report.behind), "revision");
    return fmt::format(", {} behind {}{}", revisions, report.master_revision, report.too_far_behind ? ", too far" : "");
}

std::string held_line(std::string_view name, const replication::inspection_report& report) {
    if (report.guard_violation.empty()) return {};
    const std::string_view what = report.approved ? "the approval would lift" : "a sync would be held";
    return fmt::format("{}: {}: {}\n", name, what, report.guard_violation);
}

}  // namespace

std::string failure_text(const replication::inspection_report& report) {
    return (report.failed->of_master ? "the master: " : "") + report.failed->why.text;
}

std::string difference_line(const replication::difference& d) {
    const std::string key = base::printable(d.key, d.key.size());
    switch (d.what) {
        case kind::missing: return fmt::format("  + {}  missing ({})\n", key, base::format_bytes(d.master_bytes));
        case kind::different: {
            const std::string before = base::format_bytes(d.slave_bytes);
            return fmt::format("  * {}  differs ({} -> {})\n", key, before, base::format_bytes(d.master_bytes));
        }
        case kind::extra: return fmt::format("  - {}  only on the slave\n", key);
        case kind::adopted: return fmt::format("  - {}  only on the slave since before the first sync\n", key);
        case kind::foreign: return fmt::format("  ~ {}  only on the slave since before the first sync, kept\n", key);
        case kind::kept: return fmt::format("  ~ {}  only on the slave, kept as configured\n", key);
    }
    return {};
}

std::string report_line(std::string_view name, const replication::inspection_report& report,
                        const replication::suggestions& next) {
    const std::string commands = suggestion_lines(name, next);
    if (report.failed) return fmt::format("{}: failed: {}\n{}", name, failure_text(report), commands);
    const std::string keys = count(report.compared, "key");
    const std::string present = report.current_cause.empty()
                                    ? behind_text(report)
                                    : fmt::format(" (compared with the current revision: {})", report.current_cause);
    const std::string kept = kept_text(report.foreign + report.kept);
    const std::string held = held_line(name, report) + commands;
    if (report.changes() == 0) {
        return fmt::format("{}: equal to the master at revision {}{}: {}{}\n{}", name, report.compared_revision,
                           present, keys, kept, held);
    }
    return fmt::format("{}: {} (the master has {}) at revision {} of the master{}: {}{}\n{}", name,
                       count(report.changes(), "difference"), count(report.compared, "matching key"),
                       report.compared_revision, present, parts_of(report), kept, held);
}

std::string summary_line(const verify_summary& all) {
    const std::string behind = all.too_far_behind == 0 ? "" : fmt::format(", {} too far behind", all.too_far_behind);
    return fmt::format("{} of {} compared, {}{}, {}\n", all.compared, count(all.selected, "slave"),
                       count(all.differences, "difference"), behind,
                       all.written > 0 ? count(all.written, "key") + " written" : "nothing written");
}

}  // namespace etcdsync::app
