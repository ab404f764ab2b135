// SPDX-License-Identifier: Apache-2.0
#include "app/render/verify_output.hpp"

#include "unit/app/memory_output.hpp"

#include <boost/json/parse.hpp>
#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using replication::difference;

namespace {

replication::inspection_report compared(std::uint64_t missing) {
    replication::inspection_report out;
    out.compared_revision = 123;
    out.master_revision = 125;
    out.behind = 2;
    out.slave_revision = 7;
    out.at_checkpoint = true;
    out.compared = 5;
    out.missing = missing;
    return out;
}

/// A run over two slaves, the second with two rules. The first one differs; with `repair` it is repaired and compared again.
std::string written(output_format format, bool repair = false, bool quiet = false) {
    test::memory_output to;
    const auto out = make_verify_output(format, quiet, "etcd-sync -c f", to);
    out->write_difference({"a"}, {difference::kind::missing, "/k", 14, 0});
    out->write_difference({"a"}, {difference::kind::different, "/a\xff", 14, 12});
    out->write_report({"a"}, compared(2));
    out->write_report({"b", "app"}, compared(0));
    out->write_report({"b", "flags"}, compared(0));
    if (repair) {
        out->write_repair({.of = {"a"}, .puts = 2});
        out->write_report({"a"}, compared(0));
    }
    out->write_end({.selected = 2, .compared = 2, .differences = 2}, exit_code::differences);
    return to.out;
}

}  // namespace

TEST_CASE("the table lists differences below their slave, then one line per part") {
    CHECK(written(output_format::table) ==
          "a:\n"
          "  + /k  missing (14B)\n"
          "  * /a\\xff  differs (12B -> 14B)\n"
          "a: 2 differences (the master has 5 matching keys) at revision 123 of the master, 2 revisions behind 125: 2 "
          "missing\n"
          "b/app: equal to the master at revision 123, 2 revisions behind 125: 5 keys\n"
          "b/flags: equal to the master at revision 123, 2 revisions behind 125: 5 keys\n"
          "2 of 2 slaves compared, 2 differences, nothing written\n");
    CHECK(written(output_format::table, false, true) ==
          "a: 2 differences (the master has 5 matching keys) at revision 123 of the master, 2 revisions behind 125: 2 "
          "missing\n");
}

TEST_CASE("JSON is one object on one line, with the differences of each part in it") {
    const std::string text = written(output_format::json);
    CHECK(text.find('\n') == text.size() - 1);
    const boost::json::value all = boost::json::parse(text);
    CHECK(all.at("exit_code").to_number<int>() == 2);
    CHECK(all.at("slaves").as_array().size() == 3);
    const boost::json::value& first = all.at("slaves").at(0);
    CHECK(first.at("slave").as_string() == "a");
    CHECK(first.at("differences").at(0).at("key").as_string() == "/k");
    CHECK(first.at("differences").at(1).at("key_b64").as_string() == "L2H/");
    CHECK(first.at("state").as_string() == "different");
    CHECK(all.at("slaves").at(1).at("rule").as_string() == "app");
    CHECK(all.at("slaves").at(2).at("differences").as_array().empty());
    CHECK_FALSE(all.as_object().contains("after_repair"));
}

TEST_CASE("with --repair JSON has the repairs, and the comparison after them") {
    const boost::json::value all = boost::json::parse(written(output_format::json, true));
    CHECK(all.at("slaves").as_array().size() == 3);
    CHECK(all.at("after_repair").at(0).at("slave").as_string() == "a");
    CHECK(all.at("after_repair").at(0).at("state").as_string() == "equal");
    CHECK(all.at("repairs").at(0).at("puts").to_number<int>() == 2);
}

TEST_CASE("an interrupted comparison is valid JSON too") {
    test::memory_output to;
    const auto out = make_verify_output(output_format::json, false, "etcd-sync", to);
    out->write_difference({"a"}, {difference::kind::extra, "/k", 0, 0});
    out->write_end({.selected = 2, .interrupted = true}, exit_code::interrupted);
    const boost::json::value all = boost::json::parse(to.out);
    CHECK(all.at("slaves").at(0).at("state").as_string() == "interrupted");
    CHECK(all.at("exit_code").to_number<int>() == 130);
}

TEST_CASE("JSON lines are one object each") {
    CHECK(
        written(output_format::jsonl, true) ==
        R"({"schema":1,"type":"difference","slave":"a","kind":"missing","key":"/k","master_bytes":14})"
        "\n"
        R"({"schema":1,"type":"difference","slave":"a","kind":"different","key_b64":"L2H/","master_bytes":14,"slave_bytes":12})"
        "\n"
        R"({"schema":1,"type":"report","slave":"a","state":"different","revision":123,)"
        R"("master_revision":125,"behind":2,"slave_revision":7,)"
        R"("at_checkpoint":true,"keys":5,"missing":2,"different":0,"extra":0,"adopted":0,"foreign":0,"kept":0})"
        "\n"
        R"({"schema":1,"type":"report","slave":"b","rule":"app","state":"equal","revision":123,)"
        R"("master_revision":125,"behind":2,"slave_revision":7,)"
        R"("at_checkpoint":true,"keys":5,"missing":0,"different":0,"extra":0,"adopted":0,"foreign":0,"kept":0})"
        "\n"
        R"({"schema":1,"type":"report","slave":"b","rule":"flags","state":"equal","revision":123,)"
        R"("master_revision":125,"behind":2,"slave_revision":7,)"
        R"("at_checkpoint":true,"keys":5,"missing":0,"different":0,"extra":0,"adopted":0,"foreign":0,"kept":0})"
        "\n"
        R"({"schema":1,"type":"repair","slave":"a","state":"in_sync","puts":2,"deletes":0})"
        "\n"
        R"({"schema":1,"type":"report","slave":"a","state":"equal","revision":123,)"
        R"("master_revision":125,"behind":2,"slave_revision":7,)"
        R"("at_checkpoint":true,"keys":5,"missing":0,"different":0,"extra":0,"adopted":0,"foreign":0,"kept":0})"
        "\n"
        R"({"schema":1,"type":"summary","selected":2,"compared":2,"differences":2,"too_far_behind":0,"written":0,"exit_code":2})"
        "\n");
}

TEST_CASE("a rule whose name is not UTF-8 is escaped in JSON") {
    test::memory_output to;
    make_verify_output(output_format::jsonl, false, "etcd-sync", to)
        ->write_difference({"s", "app \xff"}, {difference::kind::foreign, "/a", 0, 0});
    CHECK(to.out == R"({"schema":1,"type":"difference","slave":"s","rule":"app \\xff","kind":"foreign","key":"/a"})"
                    "\n");
    CHECK(part{"s", "app \xff"}.name() == "s/app \\xff");
    CHECK(part{"s"}.name() == "s");
}

TEST_CASE("the lines of slaves that failed go to stderr too, in every format") {
    replication::inspection_report failed;
    failed.failed.emplace(false, etcd::error(etcd::error_class::denied, "s:1: permission denied"));
    for (const output_format format : {output_format::table, output_format::json, output_format::jsonl}) {
        test::memory_output to;
        const auto out = make_verify_output(format, true, "etcd-sync -c f", to);
        out->write_report({"a"}, compared(2));
        out->write_report({"b"}, failed);
        out->write_repair({.of = {"a"}, .how = outcome::held, .cause = "too much", .approved = {}, .next = {}});
        out->write_repair({.of = {"c"}, .cause = {}, .approved = {}, .next = {}});
        out->write_end({}, exit_code::partial);
        CHECK(
            to.err ==
            "b: failed: s:1: permission denied\nb: check: etcd-sync -c f check-config --connect\na: held: too much\n");
        CHECK(to.out.find("s:1: permission denied") != std::string::npos);
    }
}

TEST_CASE("a result that was lost is a failure with its cause, and a reader that has read enough is none") {
    test::memory_output to;
    CHECK(to.code_after(exit_code::differences) == exit_code::differences);
    CHECK(to.err.empty());
    to.close();
    CHECK(to.code_after(exit_code::differences) == exit_code::reader_gone);
    CHECK(to.err.empty());
    to.fill();
    CHECK(to.code_after(exit_code::ok) == exit_code::failed);
    CHECK(to.code_after(exit_code::differences) == exit_code::failed);
    CHECK(to.err.starts_with("etcd-sync: cannot write to stdout: full\n"));
}
