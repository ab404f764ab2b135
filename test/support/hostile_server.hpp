// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/http2_server.hpp"
#include "support/model_etcd.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

/// A hostile server on loopback, with plain blocking sockets and one thread per connection.
namespace etcdsync::test {

/// The connection of one client. All operations end at once when the server changes its behavior.
class raw_connection {
public:
    raw_connection(int socket, const std::atomic<bool>& over) : socket_(socket), over_(&over) {}

    enum class read_result { bytes, timeout, end };
    /// Waits for bytes, at most for `limit`.
    read_result read(std::string& out, std::chrono::milliseconds limit);
    /// False if the client has closed the connection, or the server must end.
    bool write(std::string_view bytes);
    /// Sends `bytes` repeatedly until the client closes the connection.
    void flood(const std::string& bytes);
    /// Sleeps for `how_long`; false if the server must end before that.
    bool wait(std::chrono::milliseconds how_long);
    /// Reads and sends nothing until the client closes the connection.
    void ignore();
    /// Closes the connection with RST instead of FIN.
    void reset();

private:
    int socket_;
    const std::atomic<bool>* over_;
};

/// A request and what is needed to answer it.
struct exchange {
    raw_connection& wire;
    http2_server& session;
    model_etcd& store;
    stream_id id;
    std::string path;     ///< "/etcdserverpb.KV/Range"
    std::string message;  ///< the request, without its prefix

    /// Sends everything that is queued, followed by these bytes.
    bool raw(std::string_view bytes) const;
};

/// How the server deviates from a correct etcd. Everything that is not set is done by a model_etcd.
struct behavior {
    http2_server_options http2;
    std::function<void(raw_connection&)> instead_of_http2;  ///< handles the connection without HTTP/2
    std::function<std::string()> after_settings;            ///< bytes to send after the server's SETTINGS
    std::function<bool(const exchange&)> answer;            ///< false: answer this request correctly
    /// Called for each open watch in every turn of the loop (about 10 ms). True if it sent
    /// something.
    std::function<bool(exchange&, int turn)> each_turn;
    std::function<bool(const etcdserverpb::RangeRequest&, etcdserverpb::RangeResponse&)>
        range;  ///< true: the response was changed
    std::function<void(const etcdserverpb::TxnRequest&, etcdserverpb::TxnResponse&)> txn;
    std::function<void(etcdserverpb::WatchResponse&)> watch;

    [[nodiscard]] bool deviates() const {
        return instead_of_http2 || after_settings || answer || each_turn || range || txn || watch;
    }
};

/// An etcd that deviates from the protocol as its behavior says.
class hostile_server {
public:
    hostile_server();
    ~hostile_server();
    hostile_server(const hostile_server&) = delete;

    /// Ends all connections and changes the behavior.
    void behave(behavior how);

    /// The number of connections since behave().
    [[nodiscard]] unsigned connections() const { return connections_; }
    /// How often it has deviated from the protocol since then.
    [[nodiscard]] unsigned deviations() const { return deviations_; }
    [[nodiscard]] std::string url() const;

    /// Reads or changes the store of the correct part. Watches get the changes.
    template <class Do>
    auto with_store(Do&& act) {
        const std::lock_guard lock(mutex_);
        return act(store_);
    }

private:
    struct client {
        int socket = -1;
        std::thread thread;
    };
    struct open_watch {
        model_etcd::watcher state;
        std::string create_message;
        bool behind = true;
        int turn = 0;
    };
    using watches = std::map<stream_id, open_watch>;

    void accept_all();
    void end_all();
    void serve(raw_connection& at, const behavior& how);
    void serve_http2(raw_connection& at, const behavior& how);
    void answer(const exchange& call, const behavior& how, watches& open);
    void create(const exchange& call, const behavior& how, watches& open);
    void send_events(http2_server& session, const behavior& how, watches& open);

    std::mutex mutex_;  ///< protects the store
    model_etcd store_;
    std::uint16_t port_;
    int listener_ = -1;
    std::mutex clients_mutex_;
    std::list<client> clients_;
    std::shared_ptr<const behavior> behavior_ = std::make_shared<behavior>();
    std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
    std::atomic<unsigned> connections_{0};
    std::atomic<unsigned> deviations_{0};
    std::atomic<bool> closing_{false};
    std::thread acceptor_;
};

/// Sends a complete response: headers, one message, trailers with status 0.
void reply(const exchange& to, std::string_view message);
/// Sends a status without a message (Trailers-Only).
void refuse(const exchange& to, int code, std::string_view text);

}  // namespace etcdsync::test
