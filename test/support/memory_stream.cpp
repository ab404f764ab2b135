// SPDX-License-Identifier: Apache-2.0
#include "support/memory_stream.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace etcdsync::test {
namespace {

namespace asio = aio::asio;

/// Waits for a change. False if the task was canceled: the operation then fails, as on a socket,
/// instead of throwing.
aio::awaitable<bool> wait_for(aio::event& changed) {
    co_await changed.wait();
    const auto state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() == asio::cancellation_type::none;
}

}  // namespace

void memory_pipe::resume() {
    stalled = false;
    changed.notify();
}

aio::awaitable<net::result<std::size_t>> memory_stream::read_some(asio::mutable_buffer into) {
    for (;;) {
        if (closed_) co_return base::error("Operation canceled");
        if (in_->broken) co_return base::error("Connection reset by peer");
        const std::size_t allowed = in_->allowance.value_or(in_->waiting.size());
        if (!in_->stalled && !in_->waiting.empty() && allowed > 0) {
            const std::size_t size = std::min({in_->waiting.size(), in_->chunk_size, into.size(), allowed});
            if (in_->allowance) *in_->allowance -= size;
            asio::buffer_copy(into, asio::buffer(in_->waiting, size));
            in_->waiting.erase(0, size);
            in_->carried += size;
            in_->changed.notify();
            co_return size;
        }
        if (!in_->stalled && in_->ended) co_return std::size_t{0};
        const bool keep_going = co_await wait_for(in_->changed);
        if (!keep_going) co_return base::error("Operation canceled");
    }
}

aio::awaitable<net::result<void>> memory_stream::write(asio::const_buffer bytes) {
    while (bytes.size() > 0) {
        if (closed_) co_return base::error("Operation canceled");
        if (out_->broken) co_return base::error("Broken pipe");
        const std::size_t space = out_->capacity - std::min(out_->capacity, out_->waiting.size());
        const std::size_t size = std::min(space, bytes.size());
        out_->waiting.append(static_cast<const char*>(bytes.data()), size);
        bytes += size;
        if (size > 0) out_->changed.notify();
        if (bytes.size() == 0) break;
        const bool keep_going = co_await wait_for(out_->changed);
        if (!keep_going) co_return base::error("Operation canceled");
    }
    co_return net::result<void>();
}

void memory_stream::close() {
    if (closed_) return;
    closed_ = true;
    out_->ended = true;
    in_->broken = true;  // so that the peer's writes fail
    in_->waiting.clear();
    in_->changed.notify();
    out_->changed.notify();
}

memory_connection::memory_connection(const asio::any_io_executor& executor)
    : to_server(std::make_shared<memory_pipe>(executor)), to_client(std::make_shared<memory_pipe>(executor)) {
    client = std::make_unique<memory_stream>(to_client, to_server);
    server = std::make_unique<memory_stream>(to_server, to_client);
}

void memory_connection::cut() const {
    for (memory_pipe* pipe : {to_server.get(), to_client.get()}) {
        pipe->broken = true;
        pipe->waiting.clear();
        pipe->changed.notify();
    }
}

aio::awaitable<net::result<std::unique_ptr<net::byte_stream>>> memory_dialer::dial(net::endpoint to,
                                                                                   aio::clock::time_point deadline) {
    dialed_.push_back(to.url);
    const auto denied = denied_.find(to.url);
    if (denied != denied_.end()) co_return net::failure(denied->second, true);
    const auto listener = listeners_.find(to.url);
    if (listener == listeners_.end()) co_return base::error("connect " + to.authority() + ": Connection refused");
    if (!listener->second) {
        co_await aio::sleep(*clock_, deadline - clock_->now());
        co_return base::error("connect " + to.authority() + ": timed out");
    }
    auto stream = listener->second();
    co_return std::move(stream);
}

}  // namespace etcdsync::test
