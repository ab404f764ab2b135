// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "etcd/wire.hpp"
#include "net/channel.hpp"

#include <memory>
#include <string>

namespace etcdsync::etcd {

/// A watch on one interval. Each stream has one watcher: several watchers on one stream are not
/// atomic with each other, and one that is refused can silence the others (etcd-wire.md 3.2, 3.3).
struct watch_query {
    std::string key;
    std::string range_end;
    revision start_revision = 1;                       ///< inclusive; always sent
    std::size_t max_event = net::default_max_message;  ///< bytes; a larger event is an error
};

/// A WatchResponse and its meaning.
struct watch_message {
    enum class kind {
        created,    ///< the watch is established
        events,     ///< in revision order; with `fragment`, the last one may continue in the next
        progress,   ///< all events up to header.store_revision were delivered
        compacted,  ///< start_revision, or the position of a slow watch, is no longer kept
        nothing,    ///< to be ignored
    };
    kind what = kind::nothing;
    watch_response response;
};

/// Checks each response against the guarantees of etcd's watch (ordered, inside the range, atomic
/// except for fragments), and returns its meaning. No I/O. After an error, do not trust this stream
/// any more.
class watch_checker {
public:
    explicit watch_checker(const watch_query& query) : query_(query) {}

    [[nodiscard]] result<watch_message> check(watch_response response);

    [[nodiscard]] bool created() const { return created_; }

private:
    [[nodiscard]] std::string violation(const watch_response& response) const;
    [[nodiscard]] std::string events_violation(const watch_response& response) const;
    [[nodiscard]] std::string compaction_violation(const watch_response& response) const;

    watch_query query_;
    bool created_ = false;
    std::int64_t watch_id_ = 0;     ///< chosen by the server
    std::uint64_t cluster_id_ = 0;  ///< from `created`
    revision last_ = 0;             ///< of the newest event or progress notification
    bool last_open_ = false;        ///< the last message was a fragment: its revision may continue
};

/// One Watch stream.
class watch_stream {
public:
    /// Opens the stream. It has no deadline, requests progress notifications, and ends if the
    /// member loses its leader (metadata `hasleader`, etcd-wire.md 3.6). `on` must outlive this
    /// object.
    watch_stream(net::channel& on, const watch_query& query);

    /// Returns the next message that is not `nothing`. While it is not called, flow control stalls
    /// the server. If the creation is refused because of the token, it is repeated once with a new
    /// token. An error ends the stream: open a new one.
    aio::awaitable<result<watch_message>> next();

    /// Makes next() fail with class `cancelled`. May be called while next() waits.
    void cancel();

    /// 0 between messages. While a message has arrived in part: a number that changes whenever more
    /// of it arrived.
    [[nodiscard]] std::uint64_t message_progress() const;

private:
    void open();
    aio::awaitable<result<watch_message>> read();
    [[nodiscard]] error end_error() const;
    [[nodiscard]] error peer_error(error_class cls, std::string_view what) const;
    aio::awaitable<result<watch_response>> receive();

    net::channel* on_;
    watch_query query_;
    watch_checker checker_;
    watch_assembler parts_;
    std::unique_ptr<net::call> call_;
    std::uint64_t access_ = 0;  ///< of the token that the current stream carries
    bool cancelled_ = false;
};

}  // namespace etcdsync::etcd
