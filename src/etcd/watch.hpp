// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/error.hpp"
#include "etcd/wire.hpp"
#include "net/channel.hpp"

#include <memory>
#include <string>

namespace etcdsync::etcd {

/// A watch on one interval. One watcher a stream: several on one stream are not atomic against each other, and one that is
/// refused can mute the others (etcd-wire.md 3.2, 3.3).
struct watch_query {
    std::string key;
    std::string range_end;
    revision start_revision = 1;                       ///< inclusive, always explicit
    std::size_t max_event = net::default_max_message;  ///< a larger one is an error that says what to do
};

/// What a WatchResponse means.
struct watch_message {
    enum class kind {
        created,    ///< the watch stands
        events,     ///< in revision order; with `fragment` the last revision goes on in the next message
        progress,   ///< all up to header.store_revision is known
        compacted,  ///< start_revision (or where a slow watch stood) is no longer kept
        nothing,
    };
    kind what = kind::nothing;
    watch_response response;
};

/// Checks each response against etcd's watch contract (ordered, inside the range, atomic but for fragments) and says what it
/// is. Pure. An error means that this stream is not to be trusted further.
class watch_checker {
public:
    explicit watch_checker(const watch_query& query) : query_(query) {}

    [[nodiscard]] result<watch_message> take(watch_response response);

    [[nodiscard]] bool created() const { return created_; }

private:
    [[nodiscard]] std::string wrong_with(const watch_response& response) const;
    [[nodiscard]] std::string wrong_with_events(const watch_response& response) const;
    [[nodiscard]] std::string wrong_with_compaction(const watch_response& response) const;

    watch_query query_;
    bool created_ = false;
    std::int64_t watch_id_ = 0;     ///< as the server gave it
    std::uint64_t cluster_id_ = 0;  ///< of `created`
    revision last_ = 0;  ///< of the newest event, or where a progress notification said that there is none up to it
    bool last_open_ = false;  ///< the last message was a fragment: its revision may go on
};

/// A Watch stream under way.
class watch_stream {
public:
    /// No deadline; asks for progress notifications, and to be told when the member loses its leader (metadata hasleader:
    /// etcd-wire.md 3.6). `on` outlives it.
    watch_stream(net::channel& on, const watch_query& query);

    /// The next message that means something. Not calling it stalls the server (backpressure). A creation that is refused for
    /// its token is tried once more with another. After an error the stream is over: open a new one.
    aio::awaitable<result<watch_message>> next();

    /// Makes next() end with class `cancelled`. May be called while it waits.
    void cancel();

    /// 0 between messages. While one has come in part: a number that changes when more of it was read.
    [[nodiscard]] std::size_t unfinished() const;

private:
    void open();
    aio::awaitable<result<watch_message>> read();
    [[nodiscard]] error ended() const;
    [[nodiscard]] error about_peer(error_class cls, std::string_view what) const;
    aio::awaitable<result<watch_response>> receive();

    net::channel* on_;
    watch_query query_;
    watch_checker checker_;
    watch_assembler parts_;
    std::unique_ptr<net::call> call_;
    std::size_t received_ = 0;  ///< parts
    std::uint64_t access_ = 0;  ///< what the stream under way carries
    bool cancelled_ = false;
};

}  // namespace etcdsync::etcd
