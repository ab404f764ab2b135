// SPDX-License-Identifier: Apache-2.0
#include "replication/link/permits.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <utility>

using namespace etcdsync::replication;

TEST_CASE("no more permits can be taken than exist; each is returned when it is destroyed") {
    permits all(2);
    auto first = all.try_take();
    const auto second = all.try_take();
    CHECK(first.has_value());
    CHECK(second.has_value());
    CHECK_FALSE(all.try_take().has_value());
    auto moved = std::move(first);
    CHECK_FALSE(all.try_take().has_value());
    first.reset();
    CHECK_FALSE(all.try_take().has_value());
    moved.reset();
    CHECK(all.try_take().has_value());
}

TEST_CASE("a listener is called when a permit is returned, and may take it") {
    permits all(1);
    std::optional<permits::permit> taken(all.try_take());
    std::optional<permits::permit> next;
    int calls = 0;
    {
        const auto listening = all.on_free([&] {
            ++calls;
            next = std::nullopt;
            if (auto one = all.try_take()) next.emplace(std::move(*one));
        });
        taken.reset();
        CHECK(calls == 1);
        CHECK(next.has_value());
    }
    next.reset();
    CHECK(calls == 1);
}

TEST_CASE("a permit may outlive the permits object that it came from") {
    std::optional<permits::permit> left;
    int calls = 0;
    std::optional<permits> all(std::in_place, 1U);
    const auto listening = all->on_free([&calls] { ++calls; });
    left.emplace(*all->try_take());
    all.reset();
    left.reset();
    CHECK(calls == 1);
}

TEST_CASE("the number of permits can change while some are taken") {
    permits all(2);
    std::optional<permits::permit> first(all.try_take());
    std::optional<permits::permit> second(all.try_take());
    int calls = 0;
    const auto listening = all.on_free([&calls] { ++calls; });
    all.resize(1);
    first.reset();
    CHECK_FALSE(all.try_take().has_value());
    all.resize(2);
    CHECK(calls == 3);
    CHECK(all.try_take().has_value());
    second.reset();
    all.resize(0);
    CHECK_FALSE(all.try_take().has_value());
}
