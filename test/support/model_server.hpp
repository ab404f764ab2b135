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

/// A fault of one request.
enum class fault {
    none,
    refused,    ///< answered with UNAVAILABLE ("leader changed"); not applied
    cut,        ///< the connection breaks; not applied
    cut_late,   ///< applied, then the connection breaks before the answer
    lost,       ///< never answered; not applied
    lost_late,  ///< applied, but never answered
};
inline constexpr fault every_fault[] = {fault::refused, fault::cut, fault::cut_late, fault::lost, fault::lost_late};

[[nodiscard]] std::string to_string(fault what);

/// Serves a model_etcd over connections in memory, with gRPC over HTTP/2. Watches are served from
/// the store every 100 ms until they have caught up. Leases expire by the clock of the loop. Faults
/// are selected by the number of the request.
class model_server {
public:
    model_server(test_loop& loop, memory_dialer& dialer, std::string url, model_etcd& store);
    ~model_server();
    model_server(const model_server&) = delete;

    /// Called for each request (Range, Txn, Watch, LeaseGrant, LeaseRevoke, each LeaseKeepAlive),
    /// numbered from 1; returns its fault.
    std::function<fault(std::uint64_t number)> script;
    [[nodiscard]] std::uint64_t requests() const { return requests_; }

    /// Sends only the first half of each message of a watch.
    bool cut_messages = false;

    /// If set, called to change each watch response.
    std::function<void(etcdserverpb::WatchResponse&)> spoil;

    /// If set, the response to Maintenance.Status; else it comes from the store.
    std::optional<etcdserverpb::StatusResponse> status;
    /// Maintenance.Status is permitted to root only, as in some versions of etcd, and this user is not.
    bool refuses_status = false;
    /// The gRPC status code of all renewals of leases; 0: they are answered.
    int fails_renewals = 0;

    /// If set, returns true for intervals (or keys, without `range_end`) that the user has no
    /// permission for. As in etcd, one such interval denies a whole Range, Txn or watch.
    std::function<bool(std::string_view key, std::string_view range_end)> denies;

    /// If set and true for a Range, the connection breaks instead of an answer.
    std::function<bool(const etcdserverpb::RangeRequest&)> cuts_range;

    /// Must be called after each direct change of the store, to send it to the watches that have
    /// caught up.
    void changed();

    /// Sends a progress notification to the watches that have caught up.
    void notify_progress();

    /// Breaks all connections; new ones are accepted.
    void cut();
    /// Refuses new connections, or accepts them again. Open ones are not affected.
    void refuse(bool on);
    /// Stops or resumes the bytes in both directions, as on a network that drops packets. New
    /// connections hang meanwhile.
    void stall(bool on);

    /// Limits the bytes per second in each direction of each connection, as a thin line does. 0: no limit.
    void thin(std::size_t rate);
    /// The bytes that clients have sent over all connections.
    [[nodiscard]] std::uint64_t bytes_received() const;

    /// Serves the same store at a second URL. The functions below act on the connections of one URL only.
    void serve_also(const std::string& url);
    void cut(const std::string& url);
    void refuse(const std::string& url, bool on);
    void stall(const std::string& url, bool on);

    [[nodiscard]] std::size_t open_watches() const;

    /// Ends all leases now.
    void expire_leases();

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
        std::string url;
        std::map<stream_id, watch> watches;
        std::map<stream_id, std::size_t> renewals;  ///< answered on each LeaseKeepAlive stream
        scripted_peer peer;
    };
    std::unique_ptr<net::byte_stream> accept(const std::string& url);
    void handle(client& from, stream_id id);
    void answer(client& from, stream_id id, const std::string& path, const std::string& message, fault what);
    bool answer_lease(client& from, stream_id id, const std::string& path, const std::string& message, fault what);
    void handle_renewals(client& from, stream_id id);
    void renew(client& from, stream_id id, const std::string& message, fault what);
    void start_expiry(std::int64_t lease, std::int64_t ttl);
    void end_lease(std::int64_t lease);
    [[nodiscard]] bool is_denied(const etcdserverpb::TxnRequest& request) const;
    void create(client& from, stream_id id, const std::string& message);
    void tick(client& from, stream_id id);
    static void cut(client& from);
    void send(client& to, stream_id id, const std::vector<etcdserverpb::WatchResponse>& all);
    template <class Do>
    void for_each_caught_up(Do&& act);

    void allow(client& on) const;
    void tick_line();

    test_loop* loop_;
    memory_dialer* dialer_;
    std::string url_;
    std::vector<std::string> more_urls_;
    model_etcd* store_;
    std::vector<std::unique_ptr<client>> clients_;
    std::uint64_t requests_ = 0;
    std::size_t rate_ = 0;               ///< of a thin line
    std::optional<aio::alarm> line_;     ///< lets the next bytes through
    std::uint64_t received_before_ = 0;  ///< on connections that are gone
    struct running_lease {
        std::int64_t ttl = 0;
        std::optional<aio::alarm> expiry;
    };
    std::map<std::int64_t, running_lease> leases_;
};

}  // namespace etcdsync::test
