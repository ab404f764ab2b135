// SPDX-License-Identifier: Apache-2.0
#include "support/hostile_server.hpp"

#include "grpc/framing.hpp"
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
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 16) != 0)
        throw std::runtime_error("the hostile server cannot listen");
    return fd;
}

/// The messages in a body, without what is incomplete.
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

visitor::heard visitor::read(std::string& out, std::chrono::milliseconds limit) {
    pollfd waiting{socket_, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(limit.count())) == 0) return *over_ ? heard::end : heard::nothing;
    char block[65'536];
    const ssize_t count = ::recv(socket_, block, sizeof block, 0);
    if (count <= 0 || *over_) return heard::end;
    out.append(block, static_cast<std::size_t>(count));
    return heard::bytes;
}

bool visitor::write(std::string_view bytes) {
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

void visitor::flood(const std::string& bytes) {
    std::string many;
    while (many.size() < 65'536) many += bytes;
    while (write(many)) {}
}

bool visitor::wait(std::chrono::milliseconds how_long) {
    const auto until = std::chrono::steady_clock::now() + how_long;
    while (!*over_ && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(5ms);
    return !*over_;
}

void visitor::ignore() {
    std::string unread;
    while (read(unread, 20ms) != heard::end) unread.clear();
}

void visitor::end_hard() {
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    ::connect(socket_, &nobody, sizeof nobody);  // Linux: leaves the peer with a RST
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
        ++visits_;
        client& added = clients_.emplace_back();
        added.socket = fd;
        added.thread = std::thread([this, fd, how = conduct_, over = over_] {
            visitor at(fd, *over);
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

void hostile_server::behave(conduct how) {
    const std::lock_guard lock(clients_mutex_);
    end_all();
    over_ = std::make_shared<std::atomic<bool>>(false);
    conduct_ = std::make_shared<conduct>(std::move(how));
    visits_ = 0;
    deeds_ = 0;
}

void hostile_server::serve(visitor& at, const conduct& how) {
    if (how.speak) {
        ++deeds_;
        return how.speak(at);
    }
    if (!how.does_anything()) ++deeds_;  // what HTTP/2 is made to do, it does at once
    try {
        serve_http2(at, how);
    } catch (const std::runtime_error&) {}  // the client has had enough, in a way that is no good HTTP/2 to this one
}

void hostile_server::serve_http2(visitor& at, const conduct& how) {
    http2_server session(how.http2);
    watches open;
    std::vector<stream_id> due;
    session.on_end = [&](stream_id id) { due.push_back(id); };
    session.on_body = [&](stream_id id, std::string_view) {
        if (session.request(id).value(":path").find("Watch") != std::string::npos && open.count(id) == 0)
            due.push_back(id);
    };
    session.on_reset = [&](stream_id id, http2::error_code) { open.erase(id); };
    if (how.greet) {
        if (!at.write(session.pull() + how.greet())) return;
        ++deeds_;
    }
    std::string bytes;
    for (visitor::heard heard = visitor::heard::nothing; heard != visitor::heard::end;
         heard = at.read(bytes, turn_length)) {
        session.feed(std::exchange(bytes, {}));
        for (const stream_id id : std::exchange(due, {})) {
            const auto asked = messages_in(session.request(id).body);
            if (asked.empty() || session.request(id).reset) continue;
            answer({at, session, store_, id, session.request(id).value(":path"), asked[0]}, how, open);
        }
        tell_news(session, how, open);
        const std::lock_guard lock(mutex_);
        for (auto& [id, each] : open) {
            if (!how.pour) break;
            exchange to{at, session, store_, id, "", each.asked};
            if (how.pour(to, each.turn++)) ++deeds_;
        }
        if (!at.write(session.pull())) return;
    }
}

void hostile_server::answer(const exchange& asked, const conduct& how, watches& open) {
    if (how.answer && how.answer(asked)) {
        ++deeds_;
        return;
    }
    const std::lock_guard lock(mutex_);
    if (asked.path.ends_with("/Range")) {
        pb::RangeRequest wanted;
        pb::RangeResponse found;
        wanted.ParseFromString(asked.message);
        const auto refused = store_.range(wanted, found);
        if (refused) return refuse(asked, refused->code, refused->text);
        if (how.range && how.range(wanted, found)) ++deeds_;
        reply(asked, found.SerializeAsString());
    } else if (asked.path.ends_with("/Txn")) {
        pb::TxnRequest wanted;
        pb::TxnResponse done;
        wanted.ParseFromString(asked.message);
        const auto refused = store_.txn(wanted, done);
        if (refused) return refuse(asked, refused->code, refused->text);
        if (how.txn) {
            how.txn(wanted, done);
            ++deeds_;
        }
        reply(asked, done.SerializeAsString());
    } else {
        create(asked, how, open);
    }
}

void hostile_server::create(const exchange& asked, const conduct& how, watches& open) {
    pb::WatchRequest request;
    request.ParseFromString(asked.message);
    const pb::WatchCreateRequest& wanted = request.create_request();
    open_watch& added = open[asked.id];
    added.state = {wanted.key(), wanted.range_end(), wanted.watch_id(), wanted.start_revision()};
    added.asked = asked.message;
    pb::WatchResponse created;
    store_.fill_header(*created.mutable_header());
    created.set_watch_id(added.state.id);
    created.set_created(true);
    asked.session.respond(asked.id, grpc_headers);
    if (how.watch) {
        how.watch(created);
        ++deeds_;
    }
    asked.session.data(asked.id, grpc::frame(created.SerializeAsString()));
}

void hostile_server::tell_news(http2_server& session, const conduct& how, watches& open) {
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
