// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/memory_stream.hpp"
#include "support/model_etcd.hpp"
#include "support/scripted_peer.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace etcdsync::test {

/// What happens to one request.
enum class fault {
    none,
    refused,    ///< answered UNAVAILABLE ("leader changed"), not applied
    cut,        ///< the connection breaks, not applied
    cut_late,   ///< applied, then the connection breaks before the answer
    lost,       ///< never answered, not applied
    lost_late,  ///< applied, never answered
};
inline constexpr fault every_fault[] = {fault::refused, fault::cut, fault::cut_late, fault::lost, fault::lost_late};

[[nodiscard]] std::string to_string(fault what);

/// A model_etcd at the end of connections in memory: gRPC over HTTP/2, watches that are served from the store every 100 ms until
/// they have caught up, and faults by the number of the request.
class model_server {
public:
    model_server(test_loop& loop, memory_dialer& dialer, std::string url, model_etcd& store);
    ~model_server();
    model_server(const model_server&) = delete;

    /// Asked once for each request (Range, Txn, Watch), numbered from 1.
    std::function<fault(std::uint64_t number)> script;
    [[nodiscard]] std::uint64_t requests() const { return requests_; }

    /// Of each message of a watch only the first half is sent.
    bool cut_messages = false;

    /// Asked to spoil each watch answer, where it is set.
    std::function<void(etcdserverpb::WatchResponse&)> spoil;

    /// Where it is set: says of an interval (or a key, without `range_end`) that our user has no right on it. As etcd does, a whole Range,
    /// Txn or watch is refused for one such interval.
    std::function<bool(std::string_view key, std::string_view range_end)> denies;

    /// Call after each change of the store that did not come through here: watches that have caught up learn of it.
    void changed();

    /// What a progress notification tells the watches that have caught up.
    void notify_progress();

    /// All connections break; new ones are taken.
    void cut();
    /// Refuses connections from now on, or takes them again. What is open stays.
    void refuse(bool on);
    /// Bytes arrive at neither side any more, until it is told to go on: a network that drops packets. New connections hang.
    void stall(bool on);

    [[nodiscard]] std::size_t open_watches() const;

private:
    struct watch {
        model_etcd::watcher state;
        bool behind = false;
        std::optional<aio::alarm> tick;
    };
    struct client {
        client(test_loop& loop, const memory_connection& wire, std::unique_ptr<memory_stream> server);
        std::shared_ptr<memory_pipe> to_server;
        std::shared_ptr<memory_pipe> to_client;
        std::map<stream_id, watch> watches;
        scripted_peer peer;
    };
    std::unique_ptr<net::byte_stream> accept();
    void asked(client& from, stream_id id);
    void answer(client& from, stream_id id, const std::string& path, const std::string& message, fault what);
    [[nodiscard]] bool is_denied(const etcdserverpb::TxnRequest& asked) const;
    void create(client& from, stream_id id, const std::string& message);
    void tick(client& from, stream_id id);
    static void cut(client& from);
    void send(client& to, stream_id id, const std::vector<etcdserverpb::WatchResponse>& all);
    template <class Do>
    void for_each_caught_up(Do&& act);

    test_loop* loop_;
    memory_dialer* dialer_;
    std::string url_;
    model_etcd* store_;
    std::vector<std::unique_ptr<client>> clients_;
    std::uint64_t requests_ = 0;
};

}  // namespace etcdsync::test
