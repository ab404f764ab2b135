// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

namespace etcdsync::test {

/// A loopback port of the test process that counts who comes: what they say goes on to a server and back, or, without one,
/// nowhere.
class relay {
public:
    /// Everything goes to `target` on 127.0.0.1.
    explicit relay(std::uint16_t target);
    /// Takes connections, says `greeting` and nothing more.
    explicit relay(std::string greeting = {});
    ~relay();
    relay(const relay&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Connections taken so far.
    [[nodiscard]] int taken() const { return taken_; }

private:
    void listen();
    void work();
    void take();
    void pass(int from);
    void drop(int fd);

    std::uint16_t target_ = 0;
    std::string greeting_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::map<int, int> peers_;  ///< the other side of each connection; -1: nobody
    std::atomic<int> taken_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace etcdsync::test
