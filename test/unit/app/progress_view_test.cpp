// SPDX-License-Identifier: Apache-2.0
#include "app/render/progress_view.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;
using namespace std::chrono_literals;
using replication::link_state;

namespace {

const auto start = aio::clock::time_point{} + 1h;

replication::link_status link(std::string name, link_state state, std::uint64_t done) {
    replication::link_status out;
    out.name = std::move(name);
    out.state = state;
    out.since = start;
    out.progress = {.pass = "repair", .done = done, .total = 1000, .bytes = 2048};
    return out;
}

}  // namespace

TEST_CASE("only slaves in full sync are shown, with their own speeds") {
    progress_view view;
    replication::status status;
    status.links = {link("a", link_state::full_sync, 0), link("bb", link_state::full_sync, 500),
                    link("c", link_state::in_sync, 9)};
    CHECK(view.update(status, start).size() == 2);
    status.links[0].progress.done = 100;
    status.links[1].progress.done = 700;
    const auto all = view.update(status, start + 10s);
    REQUIRE(all.size() == 2);
    CHECK(observe::plain_line(all[0]) == "a full sync 10% 100/1000 keys 2.0KiB eta=1m30s");
    CHECK(observe::plain_line(all[1]) == "bb full sync 70% 700/1000 keys 2.0KiB eta=15s");
    CHECK(bar_lines(all, 100) == std::vector<std::string>{
                                     "a   [##>-----------------------] 10%  100/1000 keys  2.0KiB  10/s  ETA 1m30s",
                                     "bb  [##################>-------] 70%  700/1000 keys  2.0KiB  20/s  ETA 15s",
                                 });
}

TEST_CASE("the first line has an estimate of the time left, and pruning is shown") {
    progress_view view;
    replication::status status;
    status.links = {link("a", link_state::full_sync, 500)};
    status.links[0].progress.pass = "prune";
    const auto all = view.update(status, start + 10s);
    REQUIRE(all.size() == 1);
    CHECK(observe::plain_line(all[0]) == "a full sync (prune) 50% 500/1000 keys 2.0KiB eta=10s");
}

TEST_CASE("a full sync that starts again is measured from its start") {
    progress_view view;
    replication::status status;
    status.links = {link("a", link_state::full_sync, 0)};
    view.update(status, start);
    status.links[0].state = link_state::in_sync;
    CHECK(view.update(status, start + 5s).empty());
    status.links[0] = link("a", link_state::full_sync, 0);
    status.links[0].since = start + 1000s;
    view.update(status, start + 1000s);
    status.links[0].progress.done = 100;
    const auto all = view.update(status, start + 1001s);
    REQUIRE(all.size() == 1);
    CHECK(all[0].rate == doctest::Approx(100));
}
