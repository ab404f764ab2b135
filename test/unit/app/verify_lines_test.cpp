// SPDX-License-Identifier: Apache-2.0
#include "app/render/verify_lines.hpp"

#include "app/daemon/slave_result.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using replication::difference;

namespace {

replication::inspection_report compared() {
    replication::inspection_report out;
    out.compared_revision = 123;
    out.master_revision = 123;
    out.behind = 0;
    out.slave_revision = 7;
    out.at_checkpoint = true;
    out.compared = 1;
    return out;
}

}  // namespace

TEST_CASE("a difference is one line with its key escaped") {
    CHECK(difference_line({difference::kind::missing, "/a", 14, 0}) == "  + /a  missing (14B)\n");
    CHECK(difference_line({difference::kind::different, "/a\n\xff", 14, 12}) ==
          "  * /a\\x0a\\xff  differs (12B -> 14B)\n");
    CHECK(difference_line({difference::kind::extra, "/a", 0, 0}) == "  - /a  only on the slave\n");
    const std::string long_key(1000, 'k');
    CHECK(difference_line({difference::kind::extra, long_key, 0, 0}) == "  - " + long_key + "  only on the slave\n");
}

TEST_CASE("a slave is one line: its differences, the compared revision, and what would hold a sync") {
    replication::inspection_report report = compared();
    CHECK(report_line("s", report, {}) == "s: equal to the master at revision 123: 1 key\n");
    report.current_cause = "there is no record";
    report.missing = 1;
    report.extra = 2;
    report.foreign = 1;
    CHECK(report_line("s", report, {}) ==
          "s: 3 differences (the master has 1 matching key) at revision 123 of the master (compared with the current "
          "revision: there is no record): 1 missing, 2 "
          "only on the slave; 1 key only on the slave kept\n");
    report = compared();
    report.guard_violation = "the master was wiped";
    CHECK(report_line("s", report, {}) ==
          "s: equal to the master at revision 123: 1 key\ns: a sync would be held: the master was wiped\n");
    CHECK(outcome_of(report) == outcome::held);
    const replication::suggestions next = suggest("etcd-sync -c f", {"s"}, report);
    CHECK(report_line("s", report, next) ==
          "s: equal to the master at revision 123: 1 key\ns: a sync would be held: the master was wiped\n"
          "s: preview: etcd-sync -c f sync -n --approve --slave s\n"
          "s: approve: etcd-sync -c f sync --approve --slave s\n");
    report.approved = true;
    report.extra = 3;
    report.adopted = 1;
    CHECK(outcome_of(report) == outcome::different);
    CHECK(suggest("etcd-sync -c f", {"s"}, report) == replication::suggestions{});
    CHECK(report_line("s", report, {}) ==
          "s: 3 differences (the master has 1 matching key) at revision 123 of the master: 3 only on the slave (1 of "
          "them "
          "foreign)\ns: the approval would lift: the master was wiped\n");
    report.failed.emplace(true, etcd::error(etcd::error_class::retry, "m:1: refused"));
    CHECK(report_line("s", report, {}) == "s: failed: the master: m:1: refused\n");
    CHECK(outcome_of(report) == outcome::unreachable);
}

TEST_CASE("a slave that is behind is told with the number of revisions; too far is a difference") {
    replication::inspection_report report = compared();
    report.master_revision = 152;
    report.behind = 29;
    CHECK(report_line("s", report, {}) == "s: equal to the master at revision 123, 29 revisions behind 152: 1 key\n");
    CHECK(outcome_of(report) == outcome::good);
    report.master_revision = 124;
    report.behind = 1;
    report.too_far_behind = true;
    CHECK(report_line("s", report, {}) ==
          "s: equal to the master at revision 123, 1 revision behind 124, too far: 1 key\n");
    CHECK(outcome_of(report) == outcome::different);
}

TEST_CASE("the last line has the totals") {
    verify_summary all{.selected = 2, .compared = 1, .differences = 16};
    CHECK(summary_line(all) == "1 of 2 slaves compared, 16 differences, nothing written\n");
    all.too_far_behind = 1;
    CHECK(summary_line(all) == "1 of 2 slaves compared, 16 differences, 1 too far behind, nothing written\n");
    all.too_far_behind = 0;
    all.written = 16;
    CHECK(summary_line(all) == "1 of 2 slaves compared, 16 differences, 16 keys written\n");
}
