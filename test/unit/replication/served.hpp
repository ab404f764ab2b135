// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/cluster.hpp"
#include "replication/master/revision_assembler.hpp"
#include "replication/status/context.hpp"
#include "support/capture_sink.hpp"
#include "support/model_server.hpp"
#include "unit/replication/support.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace etcdsync::replication {

/// An etcd in memory and the environment for tests of single coroutines of the replicator.
struct served {
    explicit served(const test::model_etcd::settings& how = {}) : store(how) {}

    std::shared_ptr<net::channel> connect() {
        const net::endpoint to{"http://m:1", "m", 1, nullptr, {}};
        auto stream = loop.run(dialer.dial(to, loop.clock.now() + std::chrono::seconds(1)));
        REQUIRE(stream.has_value());
        return net::make_http2_channel(std::move(*stream), to, loop.clock, loop.tasks, {});
    }
    etcd::kv kv() { return {connect(), loop.clock, std::chrono::seconds(5)}; }

    /// Writes as another client does, and notifies watches.
    std::int64_t put(std::string_view key, std::string_view value) {
        const auto rev = store.put(key, value);
        server.changed();
        return rev;
    }
    std::int64_t del(std::string_view key) {
        const auto rev = store.del(key);
        server.changed();
        return rev;
    }

    /// Injects one fault, at the `k`th request after this call.
    void fail(std::uint64_t k, test::fault what) {
        const std::uint64_t at = server.requests() + k;
        server.script = [at, what](std::uint64_t number) { return number == at ? what : test::fault::none; };
    }

    test::test_loop loop;
    test::memory_dialer dialer{loop.clock};
    test::model_etcd store;
    test::model_server server{loop, dialer, "http://m:1", store};
    test::capture_sink lines;
    observe::logger logger{lines, observe::log_level::debug};
    base::random_source random{1};
    context with{loop.clock, random, logger, loop.tasks, std::chrono::seconds(10), "us"};
    mapping keys = mapping_of({prefix_rule("/a/")});

    [[nodiscard]] revision_assembler::selector selects() {
        return [this](std::string_view key) { return keys.rule_of(key).has_value(); };
    }
};

}  // namespace etcdsync::replication
