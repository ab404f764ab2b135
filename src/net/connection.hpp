// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"
#include "grpc/status.hpp"
#include "http2/session.hpp"
#include "net/http2_channel.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace etcdsync::net {

class http2_call;

/// The pump between a byte stream and an HTTP/2 session, and the table of its calls. Kept alive by its reader and
/// writer and by its calls; private to net/.
class connection final : public http2::events, public std::enable_shared_from_this<connection> {
public:
    connection(std::unique_ptr<byte_stream> stream, endpoint peer, aio::clock& clock,
               const aio::asio::any_io_executor& executor, const channel_options& options);

    aio::awaitable<> read_loop(std::shared_ptr<connection> self);
    aio::awaitable<> write_loop(std::shared_ptr<connection> self);

    /// Opens a stream for `call`, which stays registered until its on_close() or forget(). Empty: why() says it.
    std::optional<http2::stream_id> open(http2_call& call, std::string_view path, const call_options& options);
    void forget(http2::stream_id id);

    void send(http2::stream_id id, std::string bytes, bool last);
    void consume(http2::stream_id id, std::size_t count);
    void reset(http2::stream_id id, http2::error_code code);

    void on_broken(std::function<void()> handler);

    /// Ends everything; each call learns why. Only the first reason counts. `why` names the peer.
    void fail(const failure& why);

    [[nodiscard]] bool usable() const { return !broken_ && !session_.draining(); }
    /// The server said that it leaves in order. why() says it, too.
    [[nodiscard]] bool shutting_down() const { return shutting_down_; }
    [[nodiscard]] const std::string& why() const { return why_; }
    /// What a call is told that finds the connection broken: unavailable, or permission_denied where the peer does not let us in.
    [[nodiscard]] grpc::code broken_as() const { return broken_as_; }
    [[nodiscard]] const endpoint& peer() const { return peer_; }
    [[nodiscard]] aio::clock& clock() const { return *clock_; }

private:
    void on_headers(http2::stream_id id, const std::vector<http2::header>& headers, bool end_stream) override;
    void on_data(http2::stream_id id, std::string_view bytes) override;
    void on_close(http2::stream_id id, http2::error_code code, bool unprocessed) override;
    void on_goaway(http2::error_code code, std::string_view debug_data) override;
    void on_ping_ack(std::uint64_t opaque) override;

    base::result<void> tell_refused(base::result<void> outcome);
    [[nodiscard]] failure about_peer(const failure& why) const;
    [[nodiscard]] failure explained(const failure& why) const;
    [[nodiscard]] std::string closed_by_peer() const;
    void leave_it_to_reader(failure why);
    void heard();
    void watch_over_peer();
    void check_peer();

    std::unique_ptr<byte_stream> stream_;
    endpoint peer_;
    aio::clock* clock_;
    channel_options options_;
    http2::session session_;
    aio::asio::any_io_executor executor_;
    aio::event output_;  ///< there may be something to send, or the connection broke
    std::map<http2::stream_id, http2_call*> calls_;
    /// Closed without having been acted on, while the session works: whether it is the end of the connection that closed them
    /// is known only after that.
    std::vector<std::pair<http2_call*, http2::error_code>> refused_;
    std::optional<aio::alarm> keepalive_;
    aio::clock::time_point last_heard_;
    std::optional<aio::alarm> greeting_limit_;  ///< until the peer said something
    std::optional<aio::alarm> parting_;         ///< a write failed: the reader may still learn why
    std::optional<aio::alarm> leaving_;         ///< GOAWAY came
    bool greeted_ = false;
    bool ping_open_ = false;
    bool broken_ = false;
    bool shutting_down_ = false;
    std::string goodbye_;  ///< what a GOAWAY said
    std::string why_;
    grpc::code broken_as_ = grpc::code::unavailable;
    std::function<void()> broken_handler_;
};

}  // namespace etcdsync::net
