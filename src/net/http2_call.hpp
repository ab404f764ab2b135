// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/call_state.hpp"
#include "net/connection.hpp"

#include <deque>

namespace etcdsync::net {

/// A call on a connection; private to net/.
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
    void cancel() override;
    [[nodiscard]] const grpc::status& status() const override;

    void on_headers(const std::vector<http2::header>& headers, bool end_stream);
    void on_data(std::string_view bytes);
    void on_close(http2::error_code code, bool unprocessed);
    /// The connection is gone: it says why.
    void on_broken(bool unprocessed);

private:
    void on_message_begin(std::size_t size) override;
    void on_message_bytes(std::string_view bytes) override;
    void on_message_end() override;
    void give_up(grpc::status why);
    void pay(std::size_t credit);

    std::shared_ptr<connection> connection_;
    std::optional<http2::stream_id> id_;  ///< while the stream is open
    std::size_t expected_message_;
    grpc::call_state state_;
    std::deque<std::string> messages_;  ///< whole ones, not taken yet
    std::string current_;               ///< the one arriving
    std::size_t wanted_ = whole;        ///< of the message arriving, by who receives
    std::size_t owed_ = 0;              ///< bytes behind what is wanted, not yet credited to the peer
    aio::event ready_;
    std::optional<aio::alarm> deadline_;
};

}  // namespace etcdsync::net
