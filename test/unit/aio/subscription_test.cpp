// SPDX-License-Identifier: Apache-2.0
#include "aio/subscription.hpp"

#include "support/count_allocations.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace etcdsync;

namespace {

/// Listeners that record their names, with their subscriptions.
struct rig {
    aio::subscription listen(const std::string& name) {
        return listeners->subscribe([this, name] { called += name; });
    }
    std::string notify() {
        called.clear();
        listeners->notify();
        return called;
    }
    std::optional<aio::listeners> listeners{std::in_place};
    std::string called;
};

}  // namespace

TEST_CASE("listeners are called in order, each until its subscription ends") {
    rig r;
    CHECK(r.notify().empty());
    const auto a = r.listen("a");
    {
        const auto b = r.listen("b");
        const auto c = r.listen("c");
        CHECK(r.notify() == "abc");
    }
    CHECK(r.notify() == "a");
}

TEST_CASE("a moved subscription keeps its listener; a moved-from one has none") {
    rig r;
    auto a = r.listen("a");
    auto moved = std::move(a);
    a.end();  // NOLINT(bugprone-use-after-move)
    CHECK(r.notify() == "a");
    moved = r.listen("b");
    CHECK(r.notify() == "b");
    moved = std::move(moved);
    CHECK(r.notify() == "b");
    moved.end();
    moved.end();
    CHECK(r.notify().empty());
}

TEST_CASE("a listener may unsubscribe itself, and is destroyed after it returned") {
    rig r;
    std::optional<aio::subscription> own;
    const auto held = std::make_shared<std::string>("held");
    const std::weak_ptr<std::string> watched = held;
    own = r.listeners->subscribe([&r, &own, &watched, text = std::shared_ptr<std::string>(held)] {
        own.reset();
        CHECK(watched.use_count() == 2);
        r.called += *text;
    });
    const auto after = r.listen("!");
    CHECK(r.notify() == "held!");
    CHECK(watched.use_count() == 1);
    CHECK(r.notify() == "!");
}

TEST_CASE("a listener may unsubscribe another one, which is not called afterwards") {
    rig r;
    std::optional<aio::subscription> later;
    std::optional<aio::subscription> earlier(r.listen("e"));
    const auto ends = r.listeners->subscribe([&] {
        later.reset();
        earlier.reset();
    });
    later = r.listen("l");
    const auto last = r.listen("z");
    CHECK(r.notify() == "ez");
    CHECK(r.notify() == "z");
}

TEST_CASE("a listener that is added during notify() is first called by the next one") {
    rig r;
    std::vector<aio::subscription> more;
    const auto adds = r.listeners->subscribe([&] { more.push_back(r.listen("n")); });
    CHECK(r.notify().empty());
    CHECK(r.notify() == "n");
    CHECK(r.notify() == "nn");
}

TEST_CASE("a listener may notify again, and unsubscribe meanwhile") {
    rig r;
    std::optional<aio::subscription> once;
    once = r.listeners->subscribe([&] {
        once.reset();
        r.listeners->notify();
    });
    const auto a = r.listen("a");
    CHECK(r.notify() == "aa");
    CHECK(r.notify() == "a");
}

TEST_CASE("a listener may destroy the listeners; no other one is called after that") {
    rig r;
    const auto a = r.listen("a");
    const auto destroys = r.listeners->subscribe([&] { r.listeners.reset(); });
    const auto b = r.listen("b");
    CHECK(r.notify() == "a");
}

TEST_CASE("a subscription may outlive the listeners, which destroy their functions") {
    const auto held = std::make_shared<int>(0);
    aio::subscription left;
    {
        aio::listeners all;
        left = all.subscribe([held] { ++*held; });
        all.notify();
        CHECK(held.use_count() == 2);
    }
    CHECK(held.use_count() == 1);
    left.end();
    CHECK(*held == 1);
}

TEST_CASE("the destruction of a listener may end other subscriptions") {
    rig r;
    auto b = std::make_shared<aio::subscription>(r.listen("b"));
    const std::weak_ptr<aio::subscription> watched = b;
    auto a = r.listeners->subscribe([holds = std::move(b)] {});
    CHECK(r.notify() == "b");
    a.end();
    CHECK(watched.expired());
    CHECK(r.notify().empty());
}

TEST_CASE("moved listeners keep their subscriptions; those of the assignment target are dropped") {
    rig r;
    const auto a = r.listen("a");
    aio::listeners others;
    const auto dropped = others.subscribe([&r] { r.called += "dropped"; });
    others = std::move(*r.listeners);
    others.notify();
    CHECK(r.called == "a");
    r.listeners->notify();  // NOLINT(bugprone-use-after-move): does nothing
    CHECK(r.called == "a");
}

TEST_CASE("a listener that throws leaves the others subscribed") {
    rig r;
    std::optional<aio::subscription> throws;
    throws = r.listeners->subscribe([&throws] {
        throws.reset();
        throw std::string("bug");
    });
    const auto a = r.listen("a");
    CHECK_THROWS_AS(r.notify(), std::string);
    CHECK(r.notify() == "a");
}

TEST_CASE("a listener may own the subscription to an earlier one, also when all end together") {
    auto all = std::make_unique<aio::listeners>();
    auto earlier = std::make_shared<aio::subscription>(all->subscribe([] {}));
    const auto later = all->subscribe([earlier] {});
    earlier.reset();
    all.reset();  // the sanitizers see a node that is used after its end
}

TEST_CASE("notify() does not allocate") {
    aio::listeners all;
    int calls = 0;
    std::optional<aio::subscription> second;
    const auto first = all.subscribe([&calls] { ++calls; });
    second = all.subscribe([&second] { second.reset(); });
    const std::size_t before = test::allocations;
    all.notify();
    all.notify();
    CHECK(test::allocations == before);
    CHECK(calls == 2);
}
