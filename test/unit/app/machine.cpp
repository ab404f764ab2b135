// SPDX-License-Identifier: Apache-2.0
#include "unit/app/machine.hpp"

#include "app/daemon/settings.hpp"
#include "app/render/config_text.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace etcdsync::test {
namespace {

constexpr const char* configuration = R"(
[master]
endpoints = ["http://master:2379"]

[[slave]]
name = "edge-1"
endpoints = ["http://edge-1:2379"]

[[slave]]
name = "edge-2"
endpoints = ["http://edge-2:2379"]

[[rule]]
name = "app"
prefix = "/app/"
)";

aio::awaitable<> keep(aio::awaitable<app::exit_code> work, std::optional<app::exit_code>& to) {
    to = co_await std::move(work);
}

key_map mirrored(const model_etcd& of) {
    key_map out;
    for (const auto& [key, value] : of.keys()) {
        if (key.starts_with("/app/")) out.emplace(key, value);
    }
    return out;
}

}  // namespace

std::size_t json_lines::count(std::string_view message, std::string_view slave) const {
    std::string part = fmt::format("\"msg\":\"{}\"", message);
    if (!slave.empty()) part += fmt::format(",\"slave\":\"{}\"", slave);
    const auto matches = [&part](const std::string& line) { return line.find(part) != std::string::npos; };
    return static_cast<std::size_t>(std::ranges::count_if(lines, matches));
}

machine::process::process(machine& on, const config::config& settings, std::uint64_t seed)
    : self(on.host_), logger(on.log, observe::log_level::info), signals(on.loop.executor(), logger), random(seed),
      tasks(on.loop.executor(),
            [](const std::string& task, const std::exception_ptr& error) {
                FAIL_CHECK(task << " ended by an exception: " << aio::describe(error));
            }),
      daemon(environment(on), settings) {}

app::environment machine::process::environment(machine& on) {
    return {.executor = on.loop.executor(),
            .clock = on.loop.clock,
            .dialer = on.dialer,
            .files = on.files,
            .random = random,
            .log = logger,
            .signals = signals,
            .on_bug = [](const std::string& what) { FAIL_CHECK("internal error: " << what); },
            .processes = &self};
}

machine::machine() { files.put("/etc/etcd-sync/etcd-sync.toml", configuration); }

machine::~machine() {
    if (running_) kill();
}

void machine::start() {
    const app::loaded_config loaded = app::load_config({}, {}, files);
    INFO(app::complaints_of(loaded));
    REQUIRE(loaded.result.value.has_value());
    running_ = std::make_unique<process>(*this, *loaded.result.value, ++starts_);
    running_->tasks.spawn("daemon", keep(running_->daemon.run(), running_->ended));
    loop.settle();
}

app::exit_code machine::terminate() {
    constexpr int sigterm = 15;
    running_->signals.stop(sigterm);
    REQUIRE(eventually([this] { return running_->ended.has_value(); }));
    const app::exit_code code = *running_->ended;
    running_.reset();
    return code;
}

void machine::kill() {
    // Break the connections first, so that no task can send anything while it ends.
    for (model_server* const each : {&master_server, &edge_1_server, &edge_2_server}) each->cut();
    running_->tasks.cancel();
    loop.run(running_->tasks.join(), std::chrono::minutes(1));
    loop.run(running_->daemon.abandon(), std::chrono::minutes(1));
    running_.reset();
}

void machine::put(std::string_view key, std::string_view value) {
    master.put(key, value);
    master_server.changed();
}

void machine::put_many(int count, std::string_view value) {
    for (int i = 0; i < count; ++i) put(fmt::format("/app/{:04}", i), value);
}

bool machine::eventually(const std::function<bool()>& condition) {
    const auto until = loop.clock.now() + std::chrono::minutes(2);
    loop.settle();
    while (!condition()) {
        if (loop.clock.now() >= until) return false;
        const auto next = loop.clock.next();
        loop.clock.advance((next ? std::min(*next, until) : until) - loop.clock.now());
    }
    return true;
}

bool machine::in_sync() const {
    const replication::status now = running_->daemon.current();
    return std::ranges::all_of(now.links,
                               [](const auto& link) { return link.state == replication::link_state::in_sync; });
}

bool machine::equal(const model_etcd& slave) const { return mirrored(slave) == mirrored(master); }

}  // namespace etcdsync::test
