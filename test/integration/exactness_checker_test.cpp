// SPDX-License-Identifier: Apache-2.0
// Tests the checker that the other tests use: handwritten histories with one defect each.
#include "support/exactness_checker.hpp"

#include "base/escape.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace etcdsync::test;

namespace {

change put(std::int64_t revision, std::string key, std::string value) {
    return {true, std::move(key), std::move(value), revision, 1};
}
change del(std::int64_t revision, std::string key) { return {false, std::move(key), {}, revision, 0}; }

change checkpoint(std::int64_t revision, std::int64_t r, std::string_view state = "follow",
                  std::string_view pass = "none", std::string_view frontier = {}) {
    return put(
        revision, "/.etcd-sync/etcd-sync",
        fmt::format(
            R"({{"format":1,"event_revision":1,"revision":{},"state":"{}","pass":"{}","frontier_b64":"{}","writer":"w"}})",
            r, state, pass, etcdsync::base::base64_encode(frontier)));
}

/// Revision 2: a=1. 3: b=1, c=1 in one Txn. 4: a=2. 5: b deleted. 6: c=2, and a key that no rule selects.
const std::vector<change> master{put(2, "/a", "1"), put(3, "/b", "1"), put(3, "/c", "1"), put(4, "/a", "2"),
                                 del(5, "/b"),      put(6, "/c", "2"), put(6, "x", "9")};

std::string fault_of(const std::vector<change>& slave) {
    return check_exactness(master, slave, {same_keys({"/"}), "etcd-sync", {}}).fault;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a slave that follows one revision at a time, or several merged into one, is accepted") {
    CHECK(fault_of({checkpoint(2, 1), put(3, "/a", "1"), checkpoint(3, 2), put(4, "/b", "1"), put(4, "/c", "1"),
                    checkpoint(4, 3), put(5, "/a", "2"), checkpoint(5, 4), del(6, "/b"), checkpoint(6, 5),
                    put(7, "/c", "2"), checkpoint(7, 6)}) == "");
    const std::vector<change> folded{checkpoint(2, 1), put(3, "/a", "2"), put(3, "/c", "2"), checkpoint(3, 6)};
    const exactness_report report = check_exactness(master, folded, {same_keys({"/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    CHECK(report.revisions == 2);
    CHECK(report.data_revisions == 1);
    CHECK(report.applied == 6);
}

TEST_CASE("a full sync in pages, with changes of the master below the frontier, is accepted") {
    CHECK(fault_of({put(2, "/b", "old"), put(3, "/foreign", "kept"), checkpoint(4, 2, "full_sync", "repair"),
                    put(5, "/a", "1"), checkpoint(5, 3, "full_sync", "repair", "/b"), put(6, "/a", "2"),
                    checkpoint(6, 4, "full_sync", "repair", "/b"), put(7, "/b", "1"), put(7, "/c", "1"),
                    checkpoint(7, 4)}) == "");
}

TEST_CASE("a torn transaction is detected") {
    const std::string fault = fault_of({checkpoint(2, 2, "full_sync", "repair"), put(3, "/a", "1"), checkpoint(3, 2),
                                        put(4, "/b", "1"), checkpoint(4, 3), put(5, "/c", "1"), checkpoint(5, 4)});
    CHECK(holds(fault, "slave revision 4: "));
    CHECK(holds(fault, "missing   /c"));
}

TEST_CASE("a lost change is detected") {
    const std::string fault = fault_of({checkpoint(2, 1), put(3, "/b", "1"), put(3, "/c", "1"), checkpoint(3, 3)});
    CHECK(holds(fault, "slave revision 3: "));
    CHECK(holds(fault, "missing   /a"));
}

TEST_CASE("a change that is applied twice is detected, with the same R and with a later one") {
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/a", "1"), checkpoint(3, 2), put(4, "/a", "1"), checkpoint(4, 2)}),
                "R = 2 was applied a second time"));
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/a", "1"), checkpoint(3, 2), put(4, "/a", "1"), put(4, "/b", "1"),
                          put(4, "/c", "1"), checkpoint(4, 3)}),
                "put /a: it was equal already"));
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/a", "2"), put(3, "/c", "2"), checkpoint(3, 6), del(4, "/a"),
                          checkpoint(4, 6)}),
                "a second time"));
}

TEST_CASE("reordered changes are detected") {
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/a", "1"), put(3, "/b", "1"), put(3, "/c", "1"), checkpoint(3, 3),
                          del(4, "/b"), checkpoint(4, 5)}),
                "different /a"));
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/a", "1"), checkpoint(3, 2), checkpoint(4, 1)}),
                "R decreased from 2 to 1"));
}

TEST_CASE("a foreign key is detected, with and without a checkpoint in its revision") {
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/a", "1"), put(3, "x", "9"), checkpoint(3, 2)}),
                "put x: the master did not change it in (1, 2]"));
    CHECK(holds(fault_of({checkpoint(2, 1), put(3, "/z", "9")}), "0 checkpoint events"));
}

TEST_CASE("a stale key is detected") {
    const std::string fault = fault_of({checkpoint(2, 1), put(3, "/a", "1"), put(3, "/b", "1"), put(3, "/c", "1"),
                                        checkpoint(3, 3), put(4, "/a", "2"), checkpoint(4, 5)});
    CHECK(holds(fault, "slave revision 4: "));
    CHECK(holds(fault, "extra     /b"));
}

TEST_CASE("a full sync that skips a key, rewrites an equal key, or deletes a foreign key is detected") {
    CHECK(holds(fault_of({checkpoint(2, 3, "full_sync", "repair"), put(3, "/b", "1"),
                          checkpoint(3, 3, "full_sync", "repair", "/c")}),
                "/a below the frontier /c is missing"));
    CHECK(holds(fault_of({put(2, "/a", "1"), checkpoint(3, 2, "full_sync", "repair"),
                          checkpoint(4, 2, "full_sync", "repair"), put(5, "/a", "1"), checkpoint(5, 2)}),
                "put /a: it was equal already"));
    CHECK(holds(fault_of({put(2, "/z", "1"), checkpoint(3, 2, "full_sync", "repair"), put(4, "/a", "1"),
                          checkpoint(4, 2, "full_sync", "prune"), del(5, "/z"), checkpoint(5, 2)}),
                "delete /z: it is a foreign key"));
    CHECK(holds(fault_of({checkpoint(2, 3, "full_sync", "repair"), put(3, "/c", "1"),
                          checkpoint(3, 3, "full_sync", "repair", "/b")}),
                "above the frontier"));
}

TEST_CASE("a revision applied in parts is accepted: R does not change until the last part, and parts may be repeated") {
    const std::vector<change> parts{checkpoint(2, 2, "full_sync", "repair"),
                                    put(3, "/a", "1"),
                                    checkpoint(3, 2),
                                    put(4, "/b", "1"),
                                    checkpoint(4, 2, "split"),
                                    checkpoint(5, 2, "split"),
                                    put(6, "/b", "1"),
                                    checkpoint(6, 2, "split"),
                                    put(7, "/c", "1"),
                                    checkpoint(7, 3)};
    const exactness_report report = check_exactness(master, parts, {same_keys({"/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    CHECK(report.split_revisions == 2);
    CHECK(report.state == "follow");
}

TEST_CASE("a part that writes a key or a value that is not a change of the revision is detected") {
    const change start = checkpoint(2, 2, "full_sync", "repair");
    const auto rest = [&](change part) {
        return fault_of({start, put(3, "/a", "1"), checkpoint(3, 2), std::move(part), checkpoint(4, 2, "split"),
                         put(5, "/b", "1"), put(5, "/c", "1"), put(5, "/a", "1"), checkpoint(5, 3)});
    };
    CHECK(holds(rest(put(4, "/a", "9")), "not a change of the master up to R = 3"));
    CHECK(holds(fault_of({start, put(3, "/a", "1"), checkpoint(3, 2), put(4, "/b", "9"), checkpoint(4, 2, "split"),
                          put(5, "/b", "1"), put(5, "/c", "1"), checkpoint(5, 3)}),
                "put /b of a split revision is not a change of the master up to R = 3"));
    CHECK(holds(fault_of({start, put(3, "/a", "1"), checkpoint(3, 2), del(4, "/a"), checkpoint(4, 2, "split"),
                          put(5, "/b", "1"), put(5, "/c", "1"), put(5, "/a", "1"), checkpoint(5, 3)}),
                "delete /a"));
}

TEST_CASE("a revision applied in parts that ends unequal, or changes R between its parts, is detected") {
    const std::vector<change> begin{checkpoint(2, 2, "full_sync", "repair"), put(3, "/a", "1"), checkpoint(3, 2),
                                    put(4, "/b", "1"), checkpoint(4, 2, "split")};
    const auto with = [&](std::initializer_list<change> more) {
        std::vector<change> all = begin;
        all.insert(all.end(), more);
        return fault_of(all);
    };
    CHECK(holds(with({checkpoint(5, 3)}), "missing   /c"));
    CHECK(holds(with({checkpoint(5, 2)}), "not a change of the master up to R = 2"));
    CHECK(holds(with({put(5, "/c", "1"), checkpoint(5, 3, "split")}), "while a revision is applied in parts"));
    CHECK(with({put(5, "/c", "1"), checkpoint(5, 3)}) == "");
}

TEST_CASE("a full sync after parts of a revision checks these parts, too") {
    const auto with = [](const change& part) {
        return fault_of({checkpoint(2, 2, "full_sync", "repair"), put(3, "/a", "1"), checkpoint(3, 2),
                         put(4, "/b", "1"), part, checkpoint(4, 2, "split"), checkpoint(5, 2, "full_sync", "repair"),
                         put(6, "/c", "1"), checkpoint(6, 3, "full_sync", "repair", "/d"), checkpoint(7, 3)});
    };
    CHECK(with(put(4, "/b", "1")) == "");
    CHECK(holds(with(put(4, "/z", "1")), "/z of a split revision is not a change"));
}

TEST_CASE("other members of the checkpoint are ignored, even nested ones with the same names") {
    const auto with_anchors = [](std::int64_t revision, std::int64_t r) {
        return put(
            revision, "/.etcd-sync/etcd-sync",
            fmt::format(
                R"({{"format":1,"anchors":[{{"key_b64":"L2E=","revision":77,"state":"}},\"{{"}}],"count":3,"revision":{},)"
                R"("state":"follow","pass":"none","frontier_b64":"","writer":"w"}})",
                r));
    };
    CHECK(fault_of({with_anchors(2, 1), put(3, "/a", "1"), with_anchors(3, 2)}) == "");
    CHECK(fault_of({with_anchors(2, 1), put(3, "/a", "1"), with_anchors(3, 3)}) != "");
}

TEST_CASE("changes of a slave before the first checked revision are accepted") {
    exactness_rules rules{same_keys({"/"}), "etcd-sync", {}};
    const std::vector<change> modified{checkpoint(2, 1), put(3, "/a", "9"),
                                       put(4, "/.etcd-sync/etcd-sync", "not a record"), put(5, "/a", "1"),
                                       checkpoint(5, 2)};
    CHECK(check_exactness(master, modified, rules).fault != "");
    rules.from = 5;
    CHECK(check_exactness(master, modified, rules).fault == "");
    rules.from = 6;
    CHECK(check_exactness(master, modified, rules).revisions == 0);
}

TEST_CASE("a mapped key is expected only under its new name") {
    const exactness_rules rules{[](std::string_view key) -> std::optional<std::string> {
                                    if (key != "/a") return std::nullopt;
                                    return "/moved/a";
                                },
                                "etcd-sync",
                                {}};
    CHECK(check_exactness(master, {checkpoint(2, 1), put(3, "/moved/a", "2"), checkpoint(3, 6)}, rules).fault == "");
    CHECK(check_exactness(master, {checkpoint(2, 1), put(3, "/a", "2"), checkpoint(3, 6)}, rules).fault != "");
}
