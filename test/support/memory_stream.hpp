// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace etcdsync::test {

/// The bytes in one direction of a connection, and the faults of that direction.
struct memory_pipe {
    explicit memory_pipe(const aio::asio::any_io_executor& executor) : changed(executor) {}

    /// Limits the bytes that one read returns.
    void chunk(std::size_t limit) { chunk_size = limit; }
    /// Nothing arrives until resume(), as on a network that drops packets.
    void stall() { stalled = true; }
    void resume();

    std::string waiting;  ///< written and not yet read
    std::size_t capacity = 64U << 10;
    std::size_t chunk_size = std::numeric_limits<std::size_t>::max();
    std::uint64_t carried = 0;  ///< bytes read in total
    bool stalled = false;
    std::optional<std::size_t> allowance;  ///< bytes that may still arrive; nothing: no limit
    bool ended = false;                    ///< the writer closed
    bool broken = false;                   ///< the connection was reset, or the reader closed
    aio::event changed;
};

/// One end of a connection in memory. Reads and writes end by close(), by cut() and by
/// cancellation.
class memory_stream final : public net::byte_stream {
public:
    memory_stream(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out)
        : in_(std::move(in)), out_(std::move(out)) {}
    ~memory_stream() override { close(); }
    memory_stream(const memory_stream&) = delete;
    memory_stream& operator=(const memory_stream&) = delete;

    aio::awaitable<net::result<std::size_t>> read_some(aio::asio::mutable_buffer into) override;
    aio::awaitable<net::result<void>> write(aio::asio::const_buffer bytes) override;
    [[nodiscard]] std::uint64_t taken() override { return out_->carried; }
    void close() override;

private:
    std::shared_ptr<memory_pipe> in_;
    std::shared_ptr<memory_pipe> out_;
    bool closed_ = false;
};

/// A connection in memory.
struct memory_connection {
    explicit memory_connection(const aio::asio::any_io_executor& executor);

    /// Breaks the connection like a reset: both ends fail, and bytes that were not read yet are
    /// lost.
    void cut() const;

    std::unique_ptr<memory_stream> client;
    std::unique_ptr<memory_stream> server;
    std::shared_ptr<memory_pipe> to_server;
    std::shared_ptr<memory_pipe> to_client;
};

/// A dialer that connects to handlers of the test, by URL.
class memory_dialer final : public net::dialer {
public:
    explicit memory_dialer(aio::clock& clock) : clock_(&clock) {}

    using acceptor = std::function<std::unique_ptr<net::byte_stream>()>;

    /// Accepts connections; `accept` returns the client's end of a new one.
    void listen(const std::string& url, acceptor accept) { listeners_[url] = std::move(accept); }
    /// Refuses connections, as for URLs without listen().
    void refuse(const std::string& url) { listeners_.erase(url); }
    /// Accepts connections, but denies access, as with a rejected certificate.
    void deny(const std::string& url, const std::string& why) { denied_[url] = why; }
    /// Lets dial() hang until its deadline.
    void black_hole(const std::string& url) { listeners_[url] = nullptr; }

    [[nodiscard]] const std::vector<std::string>& dialed() const { return dialed_; }

    aio::awaitable<net::result<std::unique_ptr<net::byte_stream>>> dial(net::endpoint to,
                                                                        aio::clock::time_point deadline) override;

private:
    aio::clock* clock_;
    std::map<std::string, acceptor> listeners_;
    std::map<std::string, std::string> denied_;
    std::vector<std::string> dialed_;
};

}  // namespace etcdsync::test
