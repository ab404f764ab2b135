// SPDX-License-Identifier: Apache-2.0
// Two daemons and three slaves: one daemon after the other is stopped, killed, frozen or cut off from a slave, under load.
#include "handover.hpp"

#include "support/relay.hpp"

#include <array>
#include <csignal>
#include <memory>

using namespace etcdsync::test;

namespace {

constexpr std::size_t slaves = 3;

stage_options three_slaves() {
    stage_options how;
    how.slaves.assign(slaves, "");
    return how;
}

/// A daemon that reaches each slave through a relay of its own.
struct relayed_daemon {
    explicit relayed_daemon(stage& on) : process(config_for(on)) {}

    std::array<std::unique_ptr<relay>, slaves> to;
    sync_daemon process;

    [[nodiscard]] bool leads(etcd_client& slave) const { return leader_pid(slave) == process.pid(); }

private:
    std::string config_for(stage& on) {
        std::string text = on.config();
        for (std::size_t i = 0; i < slaves; ++i) {
            to[i] = std::make_unique<relay>(on.slave(i).port());
            const std::string url = on.slave(i).url();
            const std::size_t at = text.find('"' + url + '"');
            REQUIRE(at != std::string::npos);
            text.replace(at + 1, url.size(), fmt::format("http://127.0.0.1:{}", to[i]->port()));
        }
        return text;
    }
};

enum class event : std::uint8_t { stop, kill, freeze, cut_off };

std::chrono::seconds promise(event what) { return what == event::stop ? 1s : 12s; }

class two_with_three_slaves {
public:
    two_with_three_slaves() {
        first_.process.start();
        REQUIRE(await_leader_everywhere(first_));
        await_following_everywhere();
        REQUIRE(start_standby(second_.process, slaves));
    }

    /// The daemon that leads slave `i` is hit; the other one takes over; the first one comes back, and stands by.
    void hand_over(event what, std::size_t i) {
        relayed_daemon& hit = first_.leads(on_.at_slave(i)) ? first_ : second_;
        relayed_daemon& other = &hit == &first_ ? second_ : first_;
        std::array<pid_t, slaves> before{};
        for (std::size_t s = 0; s < slaves; ++s) before[s] = leader_pid(on_.at_slave(s));
        const std::size_t lines = hit.process.logged(standby_line);
        const auto busy_elsewhere = other.process.time_without_processor();
        apply(what, hit, i);
        const auto took = time_to_follow(on_, i) - (other.process.time_without_processor() - busy_elsewhere);
        MESSAGE("event " << static_cast<int>(what) << ": followed after " << took.count() << " ms");
        CHECK(took <= promised(promise(what)));
        if (what == event::cut_off) {
            CHECK(other.leads(on_.at_slave(i)));
            for (std::size_t s = 0; s < slaves; ++s) {
                if (s != i) CHECK(leader_pid(on_.at_slave(s)) == before[s]);
            }
        } else {
            CHECK(await_leader_everywhere(other));
            await_following_everywhere();
        }
        undo(what, hit, i, lines);
        for (std::size_t s = 0; s < slaves; ++s) CHECK(leader_pid(on_.at_slave(s)) != 0);
    }

    void finish() {
        writer_.stop();
        CHECK(on_.settle(120s));
        CHECK(first_.process.terminate() == 0);
        CHECK(second_.process.terminate() == 0);
        for (std::size_t i = 0; i < slaves; ++i) {
            CAPTURE(i);
            CHECK(on_.differs(i) == "");
            const exactness_report report = on_.check(i);
            CHECK(report.fault == "");
            CHECK(report.state == "follow");
            CHECK(report.writers > 1);
            // Each process wrote only while it had the leader key.
            CHECK(is_part_of(terms(on_.at_slave(i)), writers_of(on_.at_slave(i), "/.etcd-sync/etcd-sync:leader")));
        }
        CHECK(first_.process.logged("held") == 0);
        CHECK(second_.process.logged("held") == 0);
    }

private:
    static void apply(event what, relayed_daemon& hit, std::size_t slave) {
        switch (what) {
            case event::stop: hit.process.signal(SIGTERM); break;
            case event::kill: hit.process.kill(); break;
            case event::freeze: hit.process.signal(SIGSTOP); break;
            case event::cut_off: hit.to.at(slave)->cut(true); break;
        }
    }
    /// `lines`: how often the daemon had logged that it stands by.
    static void undo(event what, relayed_daemon& hit, std::size_t slave, std::size_t lines) {
        if (what == event::stop) CHECK(hit.process.wait(patience(30s)) == 0);
        if (what == event::stop || what == event::kill) {
            CHECK(start_standby(hit.process, slaves));
            return;
        }
        if (what == event::freeze) hit.process.signal(SIGCONT);
        if (what == event::cut_off) hit.to.at(slave)->cut(false);
        CHECK(await_standby(hit, lines + 1));
    }
    bool await_leader_everywhere(relayed_daemon& daemon) {
        for (std::size_t i = 0; i < slaves; ++i) {
            if (!eventually([&] { return daemon.leads(on_.at_slave(i)); }, patience(60s))) return false;
        }
        return true;
    }
    /// The key alone is not enough: a new leader has not claimed the checkpoint yet.
    void await_following_everywhere() {
        for (std::size_t i = 0; i < slaves; ++i) CHECK(time_to_follow(on_, i) < 24h);
    }
    static bool await_standby(relayed_daemon& daemon, std::size_t lines) {
        return eventually([&] { return daemon.process.logged(standby_line) >= lines; }, patience(60s));
    }

    stage on_{three_slaves()};
    relayed_daemon first_{on_};
    relayed_daemon second_{on_};
    load writer_{on_.master.port(), busy()};
};

}  // namespace

TEST_CASE("hand-overs of every kind, slave by slave: exact histories, in time, and one writer at a time") {
    two_with_three_slaves all;
    if (!long_run()) {
        for (const event what : {event::cut_off, event::stop, event::freeze, event::kill})
            all.hand_over(what, static_cast<std::size_t>(what) % slaves);
        return all.finish();
    }
    std::mt19937 random(31);
    for (int i = 0; i < 50; ++i) {
        CAPTURE(i);
        // A daemon that was frozen may have to connect again before it can take over at once.
        std::this_thread::sleep_for(std::chrono::milliseconds(1'500 + random() % 2'000));
        const auto what = static_cast<event>(random() % 4);
        all.hand_over(what, random() % slaves);
    }
    all.finish();
}

TEST_CASE("a standby takes over within 25 s if the etcd of the slave restarts meanwhile") {
    stage on;
    sync_daemon second(on.config());
    load writer(on.master.port(), busy());
    start_in_order(on, second, on.sync);
    second.signal(SIGSTOP);
    std::this_thread::sleep_for(5s);  // the lease is half over, and begins anew
    on.slave().kill();
    on.slave().start();
    const auto took = time_to_follow(on) + 5s;
    MESSAGE("followed after " << took.count() << " ms");
    CHECK(took <= promised(25s));
    second.signal(SIGCONT);
    CHECK(eventually([&] { return second.logged(standby_line) > 0; }, patience(60s)));
    CHECK(second.terminate() == 0);
    writer.stop();
    on.finish(120s);
}
