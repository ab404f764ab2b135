// SPDX-License-Identifier: Apache-2.0
#include "etcd/watch.hpp"

#include "entries.hpp"
#include "replication/master/log.hpp"
#include "replication/master/revision_assembler.hpp"

#include <google/protobuf/stubs/logging.h>

#include <rpc.pb.h>
#include <string>
#include <vector>

namespace etcdsync::fuzz {
namespace {

constexpr std::size_t log_limit = 64U << 10;

/// It has something to say of each text that is no UTF-8.
[[maybe_unused]] const auto talkative = google::protobuf::SetLogHandler(nullptr);

/// The events of a message, as the reader gives them out in parts.
void compare(const std::string& message, std::size_t size) {
    const auto whole = etcd::decode_watch(message);
    etcdserverpb::WatchResponse theirs;
    if (whole && theirs.ParseFromString(message)) {
        promise(whole->events.size() == static_cast<std::size_t>(theirs.events_size()),
                "events: not as protobuf reads it");
        promise(whole->header.store_revision == theirs.header().revision(), "header: not as protobuf reads it");
        promise(whole->compact_revision == theirs.compact_revision(), "compaction: not as protobuf reads it");
    }
    etcd::watch_assembler parts(3);
    std::size_t events = 0;
    bool good = true;
    for (std::size_t at = 0; good && at <= message.size(); at += size) {
        const bool last = at + size > message.size();
        auto part = parts.add(message.substr(at, size), last);
        while (part && parts.has_more()) {
            events += part->events.size();
            part = parts.take_more();
        }
        good = part.has_value();
        if (good) events += part->events.size();
    }
    promise(good == whole.has_value(), "in parts it is read differently");
    promise(!good || events == whole->events.size(), "in parts it holds something else");
}

/// What the feed does with a message; a watch that broke the contract is not read any further.
class reader {
public:
    bool take(const std::string& message) {
        auto response = etcd::decode_watch(message);
        if (!response) return false;
        const auto means = checker_.check(std::move(*response));
        if (!means) return false;
        if (means->what == etcd::watch_message::kind::compacted) return false;
        const etcd::revision before = folder_.position();
        folder_.take(*means, {});
        promise(folder_.position() >= before, "the position moved back");
        promise(etcd::is_possible(folder_.position()), "an impossible position");
        log_.advance_position(folder_.position());
        return true;
    }

private:
    static etcd::watch_query query() {
        etcd::watch_query out;
        out.key = "/a/";
        out.range_end = "/b";
        out.start_revision = 6;
        return out;
    }
    void keep(replication::log_entry entry) {
        for (const etcd::event& change : entry.changes)
            promise(change.kv.key >= "/a/" && change.kv.key < "/b", "an event outside the watch");
        if (entry.goes_on || entry.is_rest) return log_.pass_over(entry);
        log_.append(std::move(entry), {});
        promise(log_.bytes() <= log_limit, "the log is larger than it may be");
    }

    etcd::watch_checker checker_{query()};
    replication::log log_{log_limit};
    replication::folder folder_{5, [](std::string_view key) { return !key.ends_with('x'); },
                                [this](replication::log_entry entry) { keep(std::move(entry)); }, log_limit, true};

public:
    reader() { log_.restart(5); }
};

}  // namespace

/// A size of parts, then messages, each behind a length of two bytes.
void watch(std::string_view input) {
    source in(input);
    const std::size_t size = 1 + in.byte();
    reader feed;
    bool good = true;
    while (good && !in.empty()) {
        const std::size_t length = in.byte() << 8U | in.byte();
        const std::string message(in.bytes(length));
        compare(message, size);
        good = feed.take(message);
    }
}

}  // namespace etcdsync::fuzz
