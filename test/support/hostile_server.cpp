// SPDX-License-Identifier: Apache-2.0
#include "support/hostile_server.hpp"

#include "grpc/framing.hpp"
#include "support/loopback.hpp"
#include "support/processes.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <cerrno>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace etcdsync::test {
namespace {

namespace pb = etcdserverpb;
using namespace std::chrono_literals;

constexpr auto turn_length = 10ms;
const header_list grpc_headers = {{":status", "200"}, {"content-type", "application/grpc"}};

int listen_on(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 16) != 0)
        throw std::runtime_error("the hostile server cannot listen");
    return fd;
}

/// The complete messages in a body.
std::vector<std::string> messages_in(std::string_view body) {
    std::vector<std::string> out;
    while (body.size() >= grpc::prefix_size) {
        std::size_t size = 0;
        for (std::size_t i = 1; i < grpc::prefix_size; ++i) size = size << 8U | static_cast<unsigned char>(body[i]);
        if (size > body.size() - grpc::prefix_size) break;
        out.emplace_back(body.substr(grpc::prefix_size, size));
        body.remove_prefix(grpc::prefix_size + size);
    }
    return out;
}

}  // namespace

raw_connection::read_result raw_connection::read(std::string& out, std::chrono::milliseconds limit) {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) == 0)
        return *over_ ? read_result::end : read_result::timeout;
    char block[65'536];
    const ssize_t count = ::recv(socket_, block, sizeof block, 0);
    if (count <= 0 || *over_) return read_result::end;
    out.append(block, static_cast<std::size_t>(count));
    return read_result::bytes;
}

bool raw_connection::write(std::string_view bytes) {
    while (!bytes.empty() && !*over_) {
        pollfd waiting{socket_, POLLOUT, 0};
        if (::poll(&waiting, 1, 20) == 0) continue;
        const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) continue;
        if (count < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return !*over_;
}

void raw_connection::flood(const std::string& bytes) {
    std::string many;
    while (many.size() < 65'536) many += bytes;
    while (write(many)) {}
}

bool raw_connection::wait(std::chrono::milliseconds how_long) {
    const auto until = std::chrono::steady_clock::now() + how_long;
    while (!*over_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
    return !*over_;
}

void raw_connection::ignore() {
    std::string unread;
    while (read(unread, 20ms) != read_result::end) unread.clear();
}

void raw_connection::reset() {
    sockaddr no_peer{};
    no_peer.sa_family = AF_UNSPEC;
    ::connect(socket_, &no_peer, sizeof no_peer);  // on Linux this sends RST to the peer
}

bool exchange::raw(std::string_view bytes) const { return wire.write(session.pull().append(bytes)); }

void reply(const exchange& to, std::string_view message) {
    to.session.respond(to.id, grpc_headers);
    to.session.data(to.id, grpc::frame(message));
    to.session.trailers(to.id, {{"grpc-status", "0"}});
}

void refuse(const exchange& to, int code, std::string_view text) {
    header_list all = grpc_headers;
    all.push_back({"grpc-status", std::to_string(code)});
    all.push_back({"grpc-message", std::string(text)});
    to.session.respond(to.id, all, true);
}

hostile_server::hostile_server()
    : port_(free_port_pair()), listener_(listen_on(port_)), acceptor_([this] { accept_all(); }) {}

hostile_server::~hostile_server() {
    closing_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    end_all();
}

std::string hostile_server::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

void hostile_server::accept_all() {
    while (!closing_) {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        const std::lock_guard lock(clients_mutex_);
        ++connections_;
        client& added = clients_.emplace_back();
        added.socket = fd;
        added.thread = std::thread([this, fd, how = behavior_, over = over_] {
            raw_connection at(fd, *over);
            serve(at, *how);
            ::shutdown(fd, SHUT_RDWR);
        });
    }
}

void hostile_server::end_all() {
    *over_ = true;
    for (client& each : clients_) {
        ::shutdown(each.socket, SHUT_RDWR);
        each.thread.join();
        ::close(each.socket);
    }
    clients_.clear();
}

void hostile_server::behave(behavior how) {
    const std::lock_guard lock(clients_mutex_);
    end_all();
    over_ = std::make_shared<std::atomic<bool>>(false);
    behavior_ = std::make_shared<behavior>(std::move(how));
    connections_ = 0;
    deviations_ = 0;
}

void hostile_server::serve(raw_connection& at, const behavior& how) {
    if (how.instead_of_http2) {
        ++deviations_;
        return how.instead_of_http2(at);
    }
    if (!how.deviates()) ++deviations_;  // other settings take effect at once
    try {
        serve_http2(at, how);
    } catch (const std::runtime_error&) {}  // the client ended the connection in a way that nghttp2 considers an error
}

void hostile_server::serve_http2(raw_connection& at, const behavior& how) {
    http2_server session(how.http2);
    watches open;
    std::vector<stream_id> due;
    session.on_end = [&](stream_id id) { due.push_back(id); };
    session.on_body = [&](stream_id id, std::string_view) {
        if (session.request(id).value(":path").find("Watch") != std::string::npos && open.count(id) == 0)
            due.push_back(id);
    };
    session.on_reset = [&](stream_id id, http2::error_code) { open.erase(id); };
    if (how.after_settings) {
        if (!at.write(session.pull() + how.after_settings())) return;
        ++deviations_;
    }
    std::string bytes;
    for (raw_connection::read_result read = raw_connection::read_result::timeout;
         read != raw_connection::read_result::end; read = at.read(bytes, turn_length)) {
        session.feed(std::exchange(bytes, {}));
        for (const stream_id id : std::exchange(due, {})) {
            const auto messages = messages_in(session.request(id).body);
            if (messages.empty() || session.request(id).reset) continue;
            answer({at, session, store_, id, session.request(id).value(":path"), messages[0]}, how, open);
        }
        send_events(session, how, open);
        const std::lock_guard lock(mutex_);
        for (auto& [id, each] : open) {
            if (!how.each_turn) break;
            exchange to{at, session, store_, id, "", each.create_message};
            if (how.each_turn(to, each.turn++)) ++deviations_;
        }
        if (!at.write(session.pull())) return;
    }
}

void hostile_server::answer(const exchange& call, const behavior& how, watches& open) {
    if (how.answer && how.answer(call)) {
        ++deviations_;
        return;
    }
    const std::lock_guard lock(mutex_);
    if (call.path.ends_with("/Range")) {
        pb::RangeRequest wanted;
        pb::RangeResponse found;
        wanted.ParseFromString(call.message);
        const auto refused = store_.range(wanted, found);
        if (refused) return refuse(call, refused->code, refused->text);
        if (how.range && how.range(wanted, found)) ++deviations_;
        reply(call, found.SerializeAsString());
    } else if (call.path.ends_with("/Txn")) {
        pb::TxnRequest wanted;
        pb::TxnResponse done;
        wanted.ParseFromString(call.message);
        const auto refused = store_.txn(wanted, done);
        if (refused) return refuse(call, refused->code, refused->text);
        if (how.txn) {
            how.txn(wanted, done);
            ++deviations_;
        }
        reply(call, done.SerializeAsString());
    } else if (call.path.find("Lease") != std::string_view::npos) {
        refuse(call, 12, "unknown method");  // so this slave has no leader key
    } else {
        create(call, how, open);
    }
}

void hostile_server::create(const exchange& call, const behavior& how, watches& open) {
    pb::WatchRequest request;
    request.ParseFromString(call.message);
    const pb::WatchCreateRequest& wanted = request.create_request();
    open_watch& added = open[call.id];
    added.state = {wanted.key(), wanted.range_end(), wanted.watch_id(), wanted.start_revision()};
    added.create_message = call.message;
    pb::WatchResponse created;
    store_.fill_header(*created.mutable_header());
    created.set_watch_id(added.state.id);
    created.set_created(true);
    call.session.respond(call.id, grpc_headers);
    if (how.watch) {
        how.watch(created);
        ++deviations_;
    }
    call.session.data(call.id, grpc::frame(created.SerializeAsString()));
}

void hostile_server::send_events(http2_server& session, const behavior& how, watches& open) {
    const std::lock_guard lock(mutex_);
    for (auto& [id, each] : open) {
        if (each.state.next <= 0 || each.state.next > store_.revision()) continue;
        const auto news = store_.news(each.state, std::exchange(each.behind, false));
        if (!news.empty() && news[0].canceled()) each.state.next = 0;
        for (pb::WatchResponse one : news) {
            if (how.watch) how.watch(one);
            session.data(id, grpc::frame(one.SerializeAsString()));
        }
    }
}

}  // namespace etcdsync::test
