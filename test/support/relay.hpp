// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

namespace etcdsync::test {

/// A loopback port that counts its connections. It forwards their bytes to a server and back;
/// without a server it discards them.
class relay {
public:
    /// Forwards everything to port `target` on 127.0.0.1.
    explicit relay(std::uint16_t target);
    /// Accepts connections and only sends `banner`.
    explicit relay(std::string banner = {});
    ~relay();
    relay(const relay&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// While it is cut, it closes its connections and all new ones.
    void cut(bool now) { cut_ = now; }

    /// The number of accepted connections.
    [[nodiscard]] int accepted() const { return accepted_; }

private:
    void listen();
    void work();
    void accept();
    void forward(int from);
    void drop(int fd);

    std::uint16_t target_ = 0;
    std::string banner_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::map<int, int> peers_;  ///< the other side of each connection; -1: none
    std::atomic<int> accepted_{0};
    std::atomic<bool> cut_{false};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace etcdsync::test
