// SPDX-License-Identifier: Apache-2.0
#include "grpc/framing.hpp"
#include "hostile_cases.hpp"

#include <limits>

namespace etcdsync::test {
namespace {

namespace pb = etcdserverpb;
using namespace std::chrono_literals;
using namespace std::string_literals;

using twist = std::function<void(pb::WatchResponse&)>;

constexpr std::int64_t highest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t beyond = std::int64_t{1} << 62;

/// Changes the response that confirms the creation.
hostile_case created(std::string name, twist change) {
    hostile_case out{"created: " + std::move(name), {}};
    out.how.watch = [change = std::move(change)](pb::WatchResponse& answer) {
        if (answer.created()) change(answer);
    };
    return out;
}

pb::WatchResponse answer_at(const exchange& to, std::int64_t revision) {
    pb::WatchResponse out;
    to.store.fill_header(*out.mutable_header());
    out.mutable_header()->set_revision(revision);
    out.set_watch_id(1);
    return out;
}

pb::Event& add(pb::WatchResponse& to, std::string key, std::int64_t revision, bool is_put = true) {
    pb::Event& event = *to.add_events();
    event.set_type(is_put ? pb::Event::PUT : pb::Event::DELETE);
    event.mutable_kv()->set_key(std::move(key));
    event.mutable_kv()->set_mod_revision(revision);
    if (!is_put) return event;
    event.mutable_kv()->set_create_revision(revision);
    event.mutable_kv()->set_version(1);
    event.mutable_kv()->set_value("hostile");
    return event;
}

void send(const exchange& to, const pb::WatchResponse& answer) {
    to.session.data(to.id, grpc::frame(answer.SerializeAsString()));
}

/// The next revision of a correct watch.
std::int64_t next_revision(const exchange& to) { return to.store.revision() + 1; }

/// Sends one response when the watch has caught up.
hostile_case sends_once(std::string name, std::function<void(const exchange&, pb::WatchResponse&)> fill) {
    hostile_case out{"sends: " + std::move(name), {}};
    out.how.each_turn = [fill = std::move(fill)](exchange& to, int turn) {
        if (turn != 2) return false;
        pb::WatchResponse answer = answer_at(to, next_revision(to));
        fill(to, answer);
        send(to, answer);
        return true;
    };
    return out;
}

/// Sends the bytes that `make` returns, in every turn of the watch.
hostile_case repeats(std::string name, std::function<std::string(const exchange&, int turn)> make,
                     std::chrono::milliseconds lasts = 200ms) {
    hostile_case out{"repeats: " + std::move(name), {}, lasts};
    out.how.each_turn = [make = std::move(make)](exchange& to, int turn) {
        to.session.data(to.id, make(to, turn));
        return true;
    };
    return out;
}

hostile_case event(std::string name, std::function<void(pb::Event&)> change) {
    return sends_once("an event " + std::move(name),
                      [change = std::move(change)](const exchange& to, pb::WatchResponse& answer) {
                          change(add(answer, "/a/hostile", next_revision(to)));
                      });
}

std::string repeated(const std::string& what, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += what;
    return out;
}

hostile_cases creations() {
    hostile_cases all;
    all.push_back(created("empty", [](auto& answer) { answer.Clear(); }));
    all.push_back(created("as watch 77", [](auto& answer) { answer.set_watch_id(77); }));
    all.push_back(created("at revision -1", [](auto& answer) { answer.mutable_header()->set_revision(-1); }));
    all.push_back(created("at revision 2^62", [](auto& answer) { answer.mutable_header()->set_revision(beyond); }));
    all.push_back(created("in another cluster", [](auto& answer) { answer.mutable_header()->set_cluster_id(1); }));
    all.push_back(created("and canceled", [](auto& answer) { answer.set_canceled(true); }));
    all.push_back(created("and canceled with a reason of 1 MB", [](auto& answer) {
        answer.set_canceled(true);
        answer.set_cancel_reason(std::string(1U << 20, 'w'));
    }));
    all.push_back(created("and canceled with escapes", [](auto& answer) {
        answer.set_canceled(true);
        answer.set_cancel_reason("\x1b]0;owned\x07\x1b[31m\r\nfake line\xc2\x9b");
    }));
    for (const std::int64_t at : {std::int64_t{-1}, std::int64_t{1}, std::int64_t{1} << 40, beyond, highest}) {
        all.push_back(created("and compacted at " + std::to_string(at), [at](auto& answer) {
            answer.set_canceled(true);
            answer.set_compact_revision(at);
        }));
    }
    hostile_case ends{"created: and ended with OK", {}};
    ends.how.each_turn = [](exchange& to, int turn) {
        if (turn == 0) to.session.trailers(to.id, {{"grpc-status", "0"}});
        return turn == 0;
    };
    all.push_back(std::move(ends));
    return all;
}

hostile_cases events() {
    hostile_cases all;
    all.push_back(event("outside the watch", [](auto& e) { e.mutable_kv()->set_key("/zzz"); }));
    all.push_back(event("outside the watch, with escapes in its key",
                        [](auto& e) { e.mutable_kv()->set_key("/zzz\x1b[31m\r\n"); }));
    all.push_back(event("without a key", [](auto& e) { e.mutable_kv()->clear_key(); }));
    all.push_back(event("without kv", [](auto& e) { e.clear_kv(); }));
    all.push_back(event("of type 7", [](auto& e) { e.set_type(static_cast<pb::Event::EventType>(7)); }));
    all.push_back(event("of revision 0", [](auto& e) { e.mutable_kv()->set_mod_revision(0); }));
    all.push_back(event("of revision -5", [](auto& e) { e.mutable_kv()->set_mod_revision(-5); }));
    all.push_back(event("of revision 2^52", [](auto& e) { e.mutable_kv()->set_mod_revision(std::int64_t{1} << 52); }));
    all.push_back(event("of revision 2^62", [](auto& e) { e.mutable_kv()->set_mod_revision(beyond); }));
    all.push_back(event("of revision 2^63-1", [](auto& e) { e.mutable_kv()->set_mod_revision(highest); }));
    all.push_back(event("created after it was changed", [](auto& e) { e.mutable_kv()->set_create_revision(beyond); }));
    all.push_back(event("of version 0", [](auto& e) { e.mutable_kv()->set_version(0); }));
    all.push_back(event("of 12 MiB", [](auto& e) { e.mutable_kv()->set_value(std::string(12U << 20, 'x')); }));
    all.push_back(event("of 20 MiB", [](auto& e) { e.mutable_kv()->set_value(std::string(20U << 20, 'x')); }));
    all.push_back(sends_once("of another watch", [](const exchange& to, auto& answer) {
        answer.set_watch_id(9);
        add(answer, "/a/hostile", next_revision(to));
    }));
    all.push_back(sends_once("of another cluster", [](const exchange& to, auto& answer) {
        answer.mutable_header()->set_cluster_id(1);
        add(answer, "/a/hostile", next_revision(to));
    }));
    all.push_back(sends_once("out of order", [](const exchange& to, auto& answer) {
        add(answer, "/a/x", next_revision(to) + 1);
        add(answer, "/a/y", next_revision(to));
    }));
    all.push_back(sends_once("one key thousands of times in a revision", [](const exchange& to, auto& answer) {
        for (int i = 0; i < 20'000; ++i) add(answer, "/a/hostile", next_revision(to), i % 2 == 0);
    }));
    all.push_back(
        sends_once("deletes of all keys, and of keys outside the rules", [](const exchange& to, auto& answer) {
            for (const auto& [key, value] : to.store.keys()) add(answer, key, next_revision(to), false);
            for (const char* key : {"/a/foreign", "/a", "/a0", "/b/1", "/outside/1", "/.etcd-sync/etcd-sync"})
                add(answer, key, next_revision(to), false);
        }));
    all.push_back(
        sends_once("deletes of keys inside the watch and outside the rules", [](const exchange& to, auto& answer) {
            for (const char* key : {"/a0", "/b/1", "/b/2", "/between"}) add(answer, key, next_revision(to), false);
        }));
    all.push_back(sends_once("a hundred thousand revisions", [](const exchange& to, auto& answer) {
        for (int i = 0; i < 100'000; ++i) add(answer, "/a/hostile", next_revision(to) + i, false);
        answer.mutable_header()->set_revision(next_revision(to) + 99'999);
    }));
    return all;
}

hostile_cases positions() {
    hostile_cases all;
    for (const std::int64_t at :
         {std::int64_t{-1}, std::int64_t{1}, std::int64_t{1} << 40, std::int64_t{1} << 52, beyond, highest}) {
        all.push_back(sends_once("progress to " + std::to_string(at),
                                 [at](const exchange&, auto& answer) { answer.mutable_header()->set_revision(at); }));
        all.push_back(
            sends_once("an event in a store at " + std::to_string(at), [at](const exchange& to, auto& answer) {
                answer.mutable_header()->set_revision(at);
                add(answer, "/a/hostile", next_revision(to));
            }));
    }
    all.push_back(sends_once("compaction, without a reason", [](const exchange&, auto& answer) {
        answer.set_canceled(true);
        answer.set_compact_revision(1);
    }));
    all.push_back(sends_once("a cancellation", [](const exchange&, auto& answer) { answer.set_canceled(true); }));
    all.push_back(sends_once("created again", [](const exchange&, auto& answer) { answer.set_created(true); }));
    return all;
}

hostile_cases endless_messages() {
    hostile_cases all;
    all.push_back(repeats("empty messages", [](const exchange&, int) { return repeated(grpc::frame(""), 20'000); }));
    all.push_back(repeats("progress at the same revision", [](const exchange& to, int) {
        return repeated(grpc::frame(answer_at(to, to.store.revision()).SerializeAsString()), 500);
    }));
    all.push_back(repeats("answers to requests that were never made", [](const exchange& to, int) {
        pb::WatchResponse answer = answer_at(to, to.store.revision());
        answer.set_watch_id(-1);
        return repeated(grpc::frame(answer.SerializeAsString()), 5'000);
    }));
    all.push_back(repeats("`created`", [](const exchange& to, int) {
        pb::WatchResponse answer = answer_at(to, to.store.revision());
        answer.set_created(true);
        return repeated(grpc::frame(answer.SerializeAsString()), 1'000);
    }));
    all.push_back(repeats(
        "a revision in fragments",
        [](const exchange& to, int turn) {
            pb::WatchResponse answer = answer_at(to, next_revision(to));
            answer.set_fragment(true);
            for (int i = 0; i < 1'000; ++i)
                add(answer, "/a/" + std::to_string(turn * 1'000 + i), next_revision(to))
                    .mutable_kv()
                    ->set_value(std::string(200, 'x'));
            return grpc::frame(answer.SerializeAsString());
        },
        1'000ms));
    all.push_back(repeats(
        "a revision in fragments, with a selected key in each",
        [](const exchange& to, int turn) {
            pb::WatchResponse answer = answer_at(to, next_revision(to));
            answer.set_fragment(true);
            for (int i = 0; i < 1'000; ++i)
                add(answer, "/b/" + std::to_string(i), next_revision(to))
                    .mutable_kv()
                    ->set_value(std::string(200, 'x'));
            add(answer, "/a/" + std::to_string(turn), next_revision(to));
            return grpc::frame(answer.SerializeAsString());
        },
        1'000ms));
    all.push_back(repeats(
        "a message of 2 GiB of deletes",
        [](const exchange& to, int turn) {
            pb::WatchResponse answer = answer_at(to, next_revision(to));
            std::string out = turn == 0 ? "\0\x7f\xff\xff\xff"s + answer.SerializeAsString() : std::string();
            pb::WatchResponse events;
            for (int i = 0; i < 3'000; ++i)
                add(events, "/a/" + std::to_string(turn * 3'000 + i), next_revision(to), false);
            return out + events.SerializeAsString();
        },
        1'000ms));
    all.push_back(repeats("an event of 2 GiB", [](const exchange&, int turn) {
        return (turn == 0 ? "\0\x7f\xff\xff\xff\x5a\x80\xff\xff\xff\x07"s : std::string()) + std::string(100'000, 'x');
    }));
    all.push_back(repeats("half an event, then nothing", [](const exchange&, int turn) {
        return turn == 0 ? "\0\0\0\1\0\x5a\x20\x12"s : std::string();
    }));
    all.push_back(repeats("zeros", [](const exchange&, int) { return std::string(100'000, '\0'); }));
    return all;
}

}  // namespace

hostile_cases watch_cases() {
    hostile_cases all = creations();
    append(all, events());
    append(all, positions());
    append(all, endless_messages());
    return all;
}

}  // namespace etcdsync::test
