// SPDX-License-Identifier: Apache-2.0
#include "net/http2_channel.hpp"

#include "net/connection.hpp"
#include "net/http2_call.hpp"

#include <fmt/format.h>

namespace etcdsync::net {
namespace {

class http2_channel final : public channel {
public:
    http2_channel(std::shared_ptr<connection> c, aio::asio::any_io_executor executor)
        : connection_(std::move(c)), executor_(std::move(executor)) {}
    ~http2_channel() override {
        connection_->drop_listeners();
        close();
    }
    http2_channel(const http2_channel&) = delete;
    http2_channel& operator=(const http2_channel&) = delete;

    std::unique_ptr<call> open(std::string_view path, const call_options& options) override {
        return std::make_unique<http2_call>(connection_, executor_, path, options);
    }
    [[nodiscard]] bool usable() const override { return connection_->usable(); }
    [[nodiscard]] std::string why_unusable() const override {
        if (!connection_->reason().empty()) return connection_->reason();
        return connection_->peer().name() + ": the connection has no stream ids left";
    }
    [[nodiscard]] const endpoint& peer() const override { return connection_->peer(); }
    [[nodiscard]] aio::subscription on_broken(std::function<void()> listener) override {
        return connection_->on_broken(std::move(listener));
    }
    void close() override {
        connection_->fail(base::error(fmt::format("{}: the connection was closed by us", connection_->peer().name())));
    }

private:
    std::shared_ptr<connection> connection_;
    aio::asio::any_io_executor executor_;
};

}  // namespace

std::shared_ptr<channel> make_http2_channel(std::unique_ptr<byte_stream> stream, endpoint peer, aio::clock& clock,
                                            aio::task_group& tasks, const channel_options& options) {
    auto pump = std::make_shared<connection>(std::move(stream), std::move(peer), clock, tasks.executor(), options);
    tasks.spawn("reader of " + pump->peer().name(), pump->read_loop(pump));
    tasks.spawn("writer of " + pump->peer().name(), pump->write_loop(pump));
    return std::make_shared<http2_channel>(std::move(pump), tasks.executor());
}

}  // namespace etcdsync::net
