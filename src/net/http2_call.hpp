// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/call_state.hpp"
#include "net/connection.hpp"

#include <deque>

namespace etcdsync::net {

/// A call on a connection. Private to net/.
class http2_call final : public call, private grpc::message_sink {
public:
    http2_call(std::shared_ptr<connection> owner, const aio::asio::any_io_executor& executor, std::string_view path,
               const call_options& options);
    ~http2_call() override;
    http2_call(const http2_call&) = delete;
    http2_call& operator=(const http2_call&) = delete;

    void send(std::string framed, bool last) override;
    aio::awaitable<progress> receive(std::size_t enough) override;
    std::string take() override;
    std::string take_part() override;
    [[nodiscard]] bool inside_message() const override { return state_.inside_message(); }
    [[nodiscard]] std::uint64_t received() const override { return received_; }
    void cancel() override;
    [[nodiscard]] const grpc::status& status() const override;

    [[nodiscard]] bool has_deadline() const { return patience_.has_value(); }

    void on_headers(const std::vector<http2::header>& headers, bool end_stream);
    void on_data(std::string_view bytes);
    void on_close(http2::error_code code, bool unprocessed);
    /// The connection is broken: ends the call with its reason.
    void on_broken(bool unprocessed);

private:
    void on_message_begin(std::size_t size) override;
    void on_message_bytes(std::string_view bytes) override;
    void on_message_end() override;
    void abort(grpc::status why);
    void check_deadline();
    [[nodiscard]] call_progress progress();
    void release_window(std::size_t count);

    std::shared_ptr<connection> connection_;
    std::optional<http2::stream_id> id_;  ///< set while the stream is open
    std::size_t expected_message_;
    grpc::call_state state_;
    std::deque<std::string> messages_;  ///< complete ones that were not taken yet
    std::string current_;               ///< the part that has arrived of the next one
    std::size_t wanted_ = whole;        ///< bytes of that message the reader waits for
    std::size_t unreleased_ = 0;        ///< received bytes for which no window was released
    std::uint64_t sent_ = 0;
    std::uint64_t received_ = 0;
    std::optional<std::uint64_t>
        request_end_;  ///< where the request ends among the bytes of the connection, if that is known
    aio::event ready_;
    std::optional<call_patience> patience_;
    std::optional<call_deadline> deadline_;
    std::optional<aio::alarm> check_timer_;
};

}  // namespace etcdsync::net
