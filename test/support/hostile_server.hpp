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

/// A server that means no good: on loopback, with plain blocking sockets, a thread for each connection.
namespace etcdsync::test {

/// A client at the other end of a connection. All of it ends at once when the server is told to behave differently.
class visitor {
public:
    visitor(int socket, const std::atomic<bool>& over) : socket_(socket), over_(&over) {}

    enum class heard { bytes, nothing, end };
    /// Waits for bytes for as long as `limit`.
    heard read(std::string& out, std::chrono::milliseconds limit);
    /// False once the client is gone, or it is over.
    bool write(std::string_view bytes);
    /// `bytes` again and again, until the client is gone.
    void flood(const std::string& bytes);
    /// False where it is over before `how_long` has passed.
    bool wait(std::chrono::milliseconds how_long);
    /// Reads and says nothing, until the client is gone.
    void ignore();
    /// RST instead of FIN at the end.
    void end_hard();

private:
    int socket_;
    const std::atomic<bool>* over_;
};

/// A request and the ways to answer it.
struct exchange {
    visitor& wire;
    http2_server& session;
    model_etcd& store;
    stream_id id;
    std::string path;     ///< "/etcdserverpb.KV/Range"
    std::string message;  ///< the request, without its prefix

    /// Sends what is queued, and these bytes behind it, at once.
    bool raw(std::string_view bytes) const;
};

/// What the server does. Whatever is left out is done as an honest etcd (a model_etcd) does it.
struct conduct {
    http2_server_options http2;
    std::function<void(visitor&)> speak;          ///< instead of HTTP/2
    std::function<std::string()> greet;           ///< sent behind the server's SETTINGS
    std::function<bool(const exchange&)> answer;  ///< false: not this one
    /// For each open watch, every turn of the loop (some 10 ms). True: something was told.
    std::function<bool(exchange&, int turn)> pour;
    std::function<bool(const etcdserverpb::RangeRequest&, etcdserverpb::RangeResponse&)>
        range;  ///< true: it was twisted
    std::function<void(const etcdserverpb::TxnRequest&, etcdserverpb::TxnResponse&)> txn;
    std::function<void(etcdserverpb::WatchResponse&)> watch;

    [[nodiscard]] bool does_anything() const { return speak || greet || answer || pour || range || txn || watch; }
};

class hostile_server {
public:
    hostile_server();
    ~hostile_server();
    hostile_server(const hostile_server&) = delete;

    /// Ends all connections. From now on it does this.
    void behave(conduct how);

    /// Connections taken since behave().
    [[nodiscard]] unsigned visits() const { return visits_; }
    /// How often it has done since then what is its own in this conduct.
    [[nodiscard]] unsigned deeds() const { return deeds_; }
    [[nodiscard]] std::string url() const;

    /// Looks at, or changes, what the honest part answers from. The watches hear of it.
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
        std::string asked;
        bool behind = true;
        int turn = 0;
    };
    using watches = std::map<stream_id, open_watch>;

    void accept_all();
    void end_all();
    void serve(visitor& at, const conduct& how);
    void serve_http2(visitor& at, const conduct& how);
    void answer(const exchange& asked, const conduct& how, watches& open);
    void create(const exchange& asked, const conduct& how, watches& open);
    void tell_news(http2_server& session, const conduct& how, watches& open);

    std::mutex mutex_;  ///< of the store
    model_etcd store_;
    std::uint16_t port_;
    int listener_ = -1;
    std::mutex clients_mutex_;
    std::list<client> clients_;
    std::shared_ptr<const conduct> conduct_ = std::make_shared<conduct>();
    std::shared_ptr<std::atomic<bool>> over_ = std::make_shared<std::atomic<bool>>(false);
    std::atomic<unsigned> visits_{0};
    std::atomic<unsigned> deeds_{0};
    std::atomic<bool> closing_{false};
    std::thread acceptor_;
};

/// A message as it goes over the wire: headers, its frame, trailers with status 0.
void reply(const exchange& to, std::string_view message);
/// A status without an answer (Trailers-Only).
void refuse(const exchange& to, int code, std::string_view text);

}  // namespace etcdsync::test
