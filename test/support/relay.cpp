// SPDX-License-Identifier: Apache-2.0
#include "support/relay.hpp"

#include "support/loopback.hpp"

#include <array>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace etcdsync::test {
namespace {

int new_socket() { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }

}  // namespace

relay::relay(std::uint16_t target) : target_(target) { listen(); }

relay::relay(std::string banner) : banner_(std::move(banner)) { listen(); }

relay::~relay() {
    stopping_ = true;
    thread_.join();
    for (const auto& [fd, other] : peers_) ::close(fd);
    ::close(listener_);
}

void relay::listen() {
    listener_ = new_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const bool up = ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::listen(listener_, 64) == 0 &&
                    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    if (!up) throw std::runtime_error("a relay cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { work(); });
}

void relay::work() {
    while (!stopping_) {
        std::vector<pollfd> watched{{listener_, POLLIN, 0}};
        for (const auto& [fd, other] : peers_) watched.push_back({fd, POLLIN, 0});
        const int ready = ::poll(watched.data(), watched.size(), 50);
        while (cut_ && !peers_.empty()) drop(peers_.begin()->first);
        if (ready <= 0) continue;
        for (const pollfd& one : watched) {
            if (one.revents == 0) continue;
            if (one.fd == listener_) {
                accept();
            } else if (peers_.contains(one.fd)) {
                forward(one.fd);
            }
        }
    }
}

void relay::accept() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    ++accepted_;
    if (cut_) {
        ::close(client);
        return;
    }
    if (target_ == 0) {
        peers_[client] = -1;
        if (!banner_.empty()) ::send(client, banner_.data(), banner_.size(), MSG_NOSIGNAL);
        return;
    }
    const int server = new_socket();
    const sockaddr_in address = loopback(target_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        ::close(server);
        ::close(client);
        return;
    }
    peers_[client] = server;
    peers_[server] = client;
}

void relay::forward(int from) {
    std::array<char, 64U << 10> bytes;
    const ssize_t count = ::recv(from, bytes.data(), bytes.size(), 0);
    if (count <= 0) {
        drop(from);
        return;
    }
    const int to = peers_[from];
    const auto size = static_cast<std::size_t>(count);
    for (std::size_t sent = 0; to >= 0 && sent < size;) {
        const ssize_t went = ::send(to, bytes.data() + sent, size - sent, MSG_NOSIGNAL);
        if (went < 0) return;  // bytes that the other side sent before it closed may still arrive
        sent += static_cast<std::size_t>(went);
    }
}

void relay::drop(int fd) {
    const int other = peers_[fd];
    for (const int one : {fd, other}) {
        if (one < 0) continue;
        ::close(one);
        peers_.erase(one);
    }
}

}  // namespace etcdsync::test
