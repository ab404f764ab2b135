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

/// protobuf logs each string that is not UTF-8.
[[maybe_unused]] const auto previous_log_handler = google::protobuf::SetLogHandler(nullptr);

/// Checks that decoding in parts of `size` bytes yields the same events as decoding the whole
/// message.
void compare(const std::string& message, std::size_t size) {
    const auto whole = etcd::decode_watch(message);
    etcdserverpb::WatchResponse theirs;
    if (whole && theirs.ParseFromString(message)) {
        require(whole->events.size() == static_cast<std::size_t>(theirs.events_size()),
                "events: protobuf decodes another number");
        require(whole->header.store_revision == theirs.header().revision(),
                "header: protobuf decodes another revision");
        require(whole->compact_revision == theirs.compact_revision(), "compaction: protobuf decodes another revision");
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
    require(good == whole.has_value(), "only one of whole and parts is malformed");
    require(!good || events == whole->events.size(), "parts have another number of events than the whole");
}

/// Processes a message as the feed does. Stops reading after a watch protocol violation.
class feed_reader {
public:
    bool take(const std::string& message) {
        auto response = etcd::decode_watch(message);
        if (!response) return false;
        const auto means = checker_.check(std::move(*response));
        if (!means) return false;
        if (means->what == etcd::watch_message::kind::compacted) return false;
        const etcd::revision before = assembler_.position();
        assembler_.take(*means, {});
        require(assembler_.position() >= before, "the position moved back");
        require(etcd::is_possible(assembler_.position()), "an impossible position");
        log_.advance_position(assembler_.position());
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
            require(change.kv.key >= "/a/" && change.kv.key < "/b", "an event outside the watch");
        log_.append(std::move(entry));
        require(log_.bytes() <= log_limit, "the log exceeds its limit");
    }

    etcd::watch_checker checker_{query()};
    replication::log log_{log_limit};
    replication::revision_assembler assembler_{5, [](std::string_view key) { return !key.ends_with('x'); },
                                               [this](replication::log_entry entry) { keep(std::move(entry)); },
                                               log_limit, true};

public:
    feed_reader() { log_.restart(5); }
};

}  // namespace

/// The first byte is the size of the parts. Messages follow, each after a length of two bytes.
void watch(std::string_view input) {
    source in(input);
    const std::size_t size = 1 + in.byte();
    feed_reader feed;
    bool good = true;
    while (good && !in.empty()) {
        const std::size_t length = in.byte() << 8U | in.byte();
        const std::string message(in.bytes(length));
        compare(message, size);
        good = feed.take(message);
    }
}

}  // namespace etcdsync::fuzz
