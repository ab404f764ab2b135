// SPDX-License-Identifier: Apache-2.0
#include "app/render/slave_result_text.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using replication::link_state;

namespace {

replication::link_status link(std::string name, link_state state, bool finished = true) {
    replication::link_status out;
    out.slave = std::move(name);
    out.state = state;
    out.finished = finished;
    out.applied = 123;
    out.puts = 12;
    out.deletes = 1;
    return out;
}

replication::link_status failed_link(etcd::error_class failure) {
    replication::link_status out = link("edge", link_state::disconnected);
    out.failure = failure;
    out.cause = "why";
    return out;
}

slave_result evaluated(const replication::link_status& one, bool master_gone = false) {
    replication::status all;
    all.master.cause = "connect m:1: refused";
    all.links = {one};
    return evaluate(all, master_gone, "etcd-sync -c f").slaves.front();
}

using all_of = std::vector<outcome>;

}  // namespace

TEST_CASE("each final state of a link has its outcome") {
    CHECK(evaluated(link("edge", link_state::in_sync)).how == outcome::good);
    CHECK(evaluated(link("edge", link_state::held)).how == outcome::held);
    CHECK(evaluated(failed_link(etcd::error_class::retry)).how == outcome::unreachable);
    CHECK(evaluated(failed_link(etcd::error_class::ambiguous)).how == outcome::unreachable);
    CHECK(evaluated(failed_link(etcd::error_class::denied)).how == outcome::denied);
    CHECK(evaluated(failed_link(etcd::error_class::reauthenticate)).how == outcome::denied);
    CHECK(evaluated(failed_link(etcd::error_class::no_space)).how == outcome::failed);
    CHECK(evaluated(failed_link(etcd::error_class::bad_peer)).how == outcome::failed);
    CHECK(evaluated(link("edge", link_state::in_sync, false)).how == outcome::interrupted);
    CHECK(evaluated(link("edge", link_state::full_sync, false)).how == outcome::interrupted);
}

TEST_CASE("if the master stays unreachable, the links that waited for it fail with that cause, and the others do not") {
    const slave_result waited = evaluated(link("edge", link_state::connecting, false), true);
    CHECK(waited.how == outcome::unreachable);
    CHECK(cause_of(waited) == "the master is not reachable: connect m:1: refused");
    CHECK(evaluated(failed_link(etcd::error_class::denied), true).cause == "why");
    CHECK(evaluated(link("edge", link_state::in_sync), true).how == outcome::good);
}

TEST_CASE("a master that denies one rule of several serves the others: it has a revision and no error") {
    replication::status all;
    all.master.cause = "m:1: etcdserver: permission denied";
    all.master.failure = etcd::error_class::denied;
    all.links = {failed_link(etcd::error_class::denied), link("edge", link_state::in_sync),
                 link("edge", link_state::full_sync, false)};
    all.links[1].known = 221;
    all.links[2].known = 222;
    CHECK(is_refused(all));
    all.master_serves = true;
    CHECK_FALSE(is_refused(all));
    const sync_result evaluated = evaluate(all, is_refused(all), "etcd-sync");
    CHECK(evaluated.master_revision == 221);
    CHECK_FALSE(evaluated.master_failed.has_value());
    CHECK(evaluated.slaves[2].how == outcome::interrupted);
}

TEST_CASE("one exit code for all slaves: the most urgent outcome wins") {
    CHECK(code_for({outcome::good, outcome::good}) == exit_code::ok);
    CHECK(code_for({outcome::good, outcome::different}) == exit_code::differences);
    CHECK(code_for({outcome::different, outcome::good}) == exit_code::differences);
    CHECK(code_for({outcome::different, outcome::unreachable}) == exit_code::partial);
    CHECK(code_for({outcome::different, outcome::good, outcome::denied}) == exit_code::partial);
    CHECK(code_for({outcome::different, outcome::held, outcome::denied}) == exit_code::held);
    CHECK(code_for({outcome::good, outcome::unreachable}) == exit_code::partial);
    CHECK(code_for({outcome::good, outcome::denied}) == exit_code::partial);
    CHECK(code_for({outcome::unreachable, outcome::unreachable}) == exit_code::unreachable);
    CHECK(code_for({outcome::unreachable, outcome::denied}) == exit_code::denied);
    CHECK(code_for({outcome::unreachable, outcome::failed}) == exit_code::failed);
}

TEST_CASE("one line per slave") {
    slave_result one = evaluated(link("edge", link_state::in_sync));
    CHECK(result_line(one) == "edge: in sync at revision 123: 12 puts, 1 delete\n");
    one.foreign = 2;
    one.kept = 3;
    one.puts = one.deletes = 0;
    CHECK(result_line(one) == "edge: in sync at revision 123: nothing to write; 5 keys only on the slave kept\n");
    replication::link_status held = link("edge", link_state::held);
    held.cause = "too much";
    CHECK(result_line(evaluated(held)) == "edge: held: too much\n");
    held.approvable = true;
    CHECK(result_line(evaluated(held)) ==
          "edge: held: too much\n"
          "edge: preview: etcd-sync -c f sync -n --approve --slave edge\n"
          "edge: approve: etcd-sync -c f sync --approve --slave edge\n");
    CHECK(result_line(evaluated(failed_link(etcd::error_class::retry))) == "edge: failed: why\n");
    replication::link_status denied = failed_link(etcd::error_class::denied);
    denied.cause = "s:1: etcdserver: permission denied";
    CHECK(result_line(evaluated(denied)) ==
          "edge: failed: s:1: etcdserver: permission denied\nedge: check: etcd-sync -c f check-config --connect\n");
    replication::link_status approved = link("edge", link_state::in_sync);
    approved.approved = "too much";
    CHECK(result_line(evaluated(approved)) == "edge: in sync at revision 123: 12 puts, 1 delete; approved: too much\n");
}

TEST_CASE("all slaves in one JSON object, what is not UTF-8 in a cause as \\xNN") {
    replication::status at_end;
    at_end.links = {link("a", link_state::in_sync), failed_link(etcd::error_class::denied)};
    at_end.links[1].cause = "no \xff";
    for (replication::link_status& one : at_end.links) one.known = 130;
    CHECK(result_json(evaluate(at_end, false, "etcd-sync"), exit_code::partial) ==
          "{\"schema\":1,\"exit_code\":3,\"master\":{\"revision\":130},\"slaves\":["
          "{\"slave\":\"a\",\"state\":\"in_sync\",\"revision\":123,\"puts\":12,\"deletes\":1,\"foreign\":0,\"kept\":0},"
          "{\"slave\":\"edge\",\"state\":\"denied\",\"cause\":\"no \\\\xff\",\"puts\":12,\"deletes\":1,\"foreign\":0,"
          "\"kept\":0}]}\n");
}

TEST_CASE(
    "with consistency = \"rule\" a result has the slave and the rule, as one name in text and as two fields in JSON") {
    replication::link_status one = link("edge", link_state::in_sync);
    one.rule = "app";
    CHECK(result_line(evaluated(one)) == "edge/app: in sync at revision 123: 12 puts, 1 delete\n");
    replication::status at_end;
    at_end.links = {one};
    CHECK(result_json(evaluate(at_end, false, "etcd-sync"), exit_code::ok)
              .find(R"({"slave":"edge","rule":"app","state":"in_sync",)") != std::string::npos);
}
