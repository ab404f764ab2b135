// SPDX-License-Identifier: Apache-2.0
// The checker that all other tests lean on, itself: histories made by hand, one defect in each.
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

change record(std::int64_t revision, std::int64_t r, std::string_view state = "follow", std::string_view pass = "none",
              std::string_view frontier = {}) {
    return put(
        revision, "/.etcd-sync/etcd-sync",
        fmt::format(
            R"({{"format":1,"event_revision":1,"revision":{},"state":"{}","pass":"{}","frontier_b64":"{}","writer":"w"}})",
            r, state, pass, etcdsync::base::base64_encode(frontier)));
}

/// 2: a=1. 3: b=1, c=1 in one Txn. 4: a=2. 5: b gone. 6: c=2, and what no rule selects.
const std::vector<change> master{put(2, "/a", "1"), put(3, "/b", "1"), put(3, "/c", "1"), put(4, "/a", "2"),
                                 del(5, "/b"),      put(6, "/c", "2"), put(6, "x", "9")};

std::string fault_of(const std::vector<change>& slave) {
    return check_exactness(master, slave, {same_keys({"/"}), "etcd-sync", {}}).fault;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a slave that follows revision by revision, or several folded into one, is right") {
    CHECK(fault_of({record(2, 1), put(3, "/a", "1"), record(3, 2), put(4, "/b", "1"), put(4, "/c", "1"), record(4, 3),
                    put(5, "/a", "2"), record(5, 4), del(6, "/b"), record(6, 5), put(7, "/c", "2"), record(7, 6)}) ==
          "");
    const std::vector<change> folded{record(2, 1), put(3, "/a", "2"), put(3, "/c", "2"), record(3, 6)};
    const exactness_report report = check_exactness(master, folded, {same_keys({"/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    CHECK(report.revisions == 2);
    CHECK(report.data_revisions == 1);
    CHECK(report.applied == 6);
}

TEST_CASE("a full sync in pages, with the master moving on below the frontier, is right") {
    CHECK(fault_of({put(2, "/b", "old"), put(3, "/foreign", "kept"), record(4, 2, "full_sync", "repair"),
                    put(5, "/a", "1"), record(5, 3, "full_sync", "repair", "/b"), put(6, "/a", "2"),
                    record(6, 4, "full_sync", "repair", "/b"), put(7, "/b", "1"), put(7, "/c", "1"), record(7, 4)}) ==
          "");
}

TEST_CASE("a torn transaction is found") {
    const std::string fault = fault_of({record(2, 2, "full_sync", "repair"), put(3, "/a", "1"), record(3, 2),
                                        put(4, "/b", "1"), record(4, 3), put(5, "/c", "1"), record(5, 4)});
    CHECK(holds(fault, "slave revision 4: "));
    CHECK(holds(fault, "missing   /c"));
}

TEST_CASE("a lost change is found") {
    const std::string fault = fault_of({record(2, 1), put(3, "/b", "1"), put(3, "/c", "1"), record(3, 3)});
    CHECK(holds(fault, "slave revision 3: "));
    CHECK(holds(fault, "missing   /a"));
}

TEST_CASE("a change applied twice is found, with the same R and with a later one") {
    CHECK(holds(fault_of({record(2, 1), put(3, "/a", "1"), record(3, 2), put(4, "/a", "1"), record(4, 2)}),
                "R = 2 was applied a second time"));
    CHECK(holds(fault_of({record(2, 1), put(3, "/a", "1"), record(3, 2), put(4, "/a", "1"), put(4, "/b", "1"),
                          put(4, "/c", "1"), record(4, 3)}),
                "put /a: it was equal already"));
    CHECK(
        holds(fault_of({record(2, 1), put(3, "/a", "2"), put(3, "/c", "2"), record(3, 6), del(4, "/a"), record(4, 6)}),
              "a second time"));
}

TEST_CASE("changes in another order are found") {
    CHECK(holds(fault_of({record(2, 1), put(3, "/a", "1"), put(3, "/b", "1"), put(3, "/c", "1"), record(3, 3),
                          del(4, "/b"), record(4, 5)}),
                "different /a"));
    CHECK(holds(fault_of({record(2, 1), put(3, "/a", "1"), record(3, 2), record(4, 1)}), "R decreased from 2 to 1"));
}

TEST_CASE("a foreign key is found, whoever wrote it") {
    CHECK(holds(fault_of({record(2, 1), put(3, "/a", "1"), put(3, "x", "9"), record(3, 2)}),
                "put x: the master did not change it in (1, 2]"));
    CHECK(holds(fault_of({record(2, 1), put(3, "/z", "9")}), "0 checkpoint events"));
}

TEST_CASE("a stale key is found") {
    const std::string fault = fault_of({record(2, 1), put(3, "/a", "1"), put(3, "/b", "1"), put(3, "/c", "1"),
                                        record(3, 3), put(4, "/a", "2"), record(4, 5)});
    CHECK(holds(fault, "slave revision 4: "));
    CHECK(holds(fault, "extra     /b"));
}

TEST_CASE("a full sync that leaves a hole, rewrites what is equal or deletes what stood there before is found") {
    CHECK(holds(
        fault_of({record(2, 3, "full_sync", "repair"), put(3, "/b", "1"), record(3, 3, "full_sync", "repair", "/c")}),
        "/a below the frontier /c is missing"));
    CHECK(holds(fault_of({put(2, "/a", "1"), record(3, 2, "full_sync", "repair"), record(4, 2, "full_sync", "repair"),
                          put(5, "/a", "1"), record(5, 2)}),
                "put /a: it was equal already"));
    CHECK(holds(fault_of({put(2, "/z", "1"), record(3, 2, "full_sync", "repair"), put(4, "/a", "1"),
                          record(4, 2, "full_sync", "prune"), del(5, "/z"), record(5, 2)}),
                "delete /z: it is a foreign key"));
    CHECK(holds(
        fault_of({record(2, 3, "full_sync", "repair"), put(3, "/c", "1"), record(3, 3, "full_sync", "repair", "/b")}),
        "above the frontier"));
}

TEST_CASE("a revision applied in parts is right: R stands still until the last part, and a part may be written again") {
    const std::vector<change> parts{record(2, 2, "full_sync", "repair"),
                                    put(3, "/a", "1"),
                                    record(3, 2),
                                    put(4, "/b", "1"),
                                    record(4, 2, "split"),
                                    record(5, 2, "split"),
                                    put(6, "/b", "1"),
                                    record(6, 2, "split"),
                                    put(7, "/c", "1"),
                                    record(7, 3)};
    const exactness_report report = check_exactness(master, parts, {same_keys({"/"}), "etcd-sync", {}});
    CHECK(report.fault == "");
    CHECK(report.split_revisions == 2);
    CHECK(report.state == "follow");
}

TEST_CASE("a part that writes a key, or a value, which is no change of the revision is found") {
    const change start = record(2, 2, "full_sync", "repair");
    const auto rest = [&](change part) {
        return fault_of({start, put(3, "/a", "1"), record(3, 2), std::move(part), record(4, 2, "split"),
                         put(5, "/b", "1"), put(5, "/c", "1"), put(5, "/a", "1"), record(5, 3)});
    };
    CHECK(holds(rest(put(4, "/a", "9")), "not a change of the master up to R = 3"));
    CHECK(holds(fault_of({start, put(3, "/a", "1"), record(3, 2), put(4, "/b", "9"), record(4, 2, "split"),
                          put(5, "/b", "1"), put(5, "/c", "1"), record(5, 3)}),
                "put /b of a split revision is not a change of the master up to R = 3"));
    CHECK(holds(fault_of({start, put(3, "/a", "1"), record(3, 2), del(4, "/a"), record(4, 2, "split"),
                          put(5, "/b", "1"), put(5, "/c", "1"), put(5, "/a", "1"), record(5, 3)}),
                "delete /a"));
}

TEST_CASE("a revision applied in parts that ends unequal, or at another R on the way, is found") {
    const std::vector<change> begin{record(2, 2, "full_sync", "repair"), put(3, "/a", "1"), record(3, 2),
                                    put(4, "/b", "1"), record(4, 2, "split")};
    const auto with = [&](std::initializer_list<change> more) {
        std::vector<change> all = begin;
        all.insert(all.end(), more);
        return fault_of(all);
    };
    CHECK(holds(with({record(5, 3)}), "missing   /c"));
    CHECK(holds(with({record(5, 2)}), "not a change of the master up to R = 2"));
    CHECK(holds(with({put(5, "/c", "1"), record(5, 3, "split")}), "while a revision is applied in parts"));
    CHECK(with({put(5, "/c", "1"), record(5, 3)}) == "");
}

TEST_CASE("a full sync that takes over from parts checks them with all else") {
    const auto with = [](const change& part) {
        return fault_of({record(2, 2, "full_sync", "repair"), put(3, "/a", "1"), record(3, 2), put(4, "/b", "1"), part,
                         record(4, 2, "split"), record(5, 2, "full_sync", "repair"), put(6, "/c", "1"),
                         record(6, 3, "full_sync", "repair", "/d"), record(7, 3)});
    };
    CHECK(with(put(4, "/b", "1")) == "");
    CHECK(holds(with(put(4, "/z", "1")), "/z of a split revision is not a change"));
}

TEST_CASE("what the record holds besides is no matter, not even members of the same names within it") {
    const auto told = [](std::int64_t revision, std::int64_t r) {
        return put(
            revision, "/.etcd-sync/etcd-sync",
            fmt::format(
                R"({{"format":1,"anchors":[{{"key_b64":"L2E=","revision":77,"state":"}},\"{{"}}],"count":3,"revision":{},)"
                R"("state":"follow","pass":"none","frontier_b64":"","writer":"w"}})",
                r));
    };
    CHECK(fault_of({told(2, 1), put(3, "/a", "1"), told(3, 2)}) == "");
    CHECK(fault_of({told(2, 1), put(3, "/a", "1"), told(3, 3)}) != "");
}

TEST_CASE("what was done to a slave before it is held to anything is taken as it stands") {
    exactness_rules rules{same_keys({"/"}), "etcd-sync", {}};
    const std::vector<change> meddled{record(2, 1), put(3, "/a", "9"), put(4, "/.etcd-sync/etcd-sync", "not a record"),
                                      put(5, "/a", "1"), record(5, 2)};
    CHECK(check_exactness(master, meddled, rules).fault != "");
    rules.from = 5;
    CHECK(check_exactness(master, meddled, rules).fault == "");
    rules.from = 6;
    CHECK(check_exactness(master, meddled, rules).revisions == 0);
}

TEST_CASE("a key mapped away from its place is found under its new name alone") {
    const exactness_rules rules{[](std::string_view key) -> std::optional<std::string> {
                                    if (key != "/a") return std::nullopt;
                                    return "/moved/a";
                                },
                                "etcd-sync",
                                {}};
    CHECK(check_exactness(master, {record(2, 1), put(3, "/moved/a", "2"), record(3, 6)}, rules).fault == "");
    CHECK(check_exactness(master, {record(2, 1), put(3, "/a", "2"), record(3, 6)}, rules).fault != "");
}
