// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"
#include "aio/subscription.hpp"
#include "grpc/status.hpp"
#include "http2/session.hpp"
#include "net/http2_channel.hpp"
#include "net/keepalive.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace etcdsync::net {

class http2_call;

/// Moves bytes between a byte stream and an HTTP/2 session, and keeps the table of calls. Its
/// reader, its writer and its calls keep it alive. Private to net/.
class connection final : public http2::events, public std::enable_shared_from_this<connection> {
public:
    connection(std::unique_ptr<byte_stream> stream, endpoint peer, aio::clock& clock,
               const aio::asio::any_io_executor& executor, const channel_options& options);

    aio::awaitable<> read_loop(std::shared_ptr<connection> self);
    aio::awaitable<> write_loop(std::shared_ptr<connection> self);

    /// Opens a stream for `call`, which stays registered until its on_close() or forget(). Returns
    /// nothing if that is not possible; see reason().
    std::optional<http2::stream_id> open(http2_call& call, std::string_view path, const call_options& options);
    void forget(http2::stream_id id);

    void send(http2::stream_id id, std::string bytes, bool last);
    void consume(http2::stream_id id, std::size_t count);
    void reset(http2::stream_id id, http2::error_code code);

    /// Bytes of the request that wait for flow control.
    [[nodiscard]] std::size_t queued(http2::stream_id id) const { return session_.queued(id); }
    [[nodiscard]] std::uint64_t window_updates() const { return session_.window_updates(); }
    /// Bytes that were given to the stream.
    [[nodiscard]] std::uint64_t written() const { return written_; }
    /// How many of them the peer's host has taken.
    [[nodiscard]] std::uint64_t taken() { return stream_->taken(); }

    /// As in channel.hpp.
    [[nodiscard]] aio::subscription on_broken(std::function<void()> listener);
    /// Drops all listeners without calling them.
    void drop_listeners() { broken_listeners_ = aio::listeners(); }

    /// Closes the connection and ends all calls with `why`, which must name the peer. Only the
    /// first failure counts.
    void fail(const failure& why);

    [[nodiscard]] bool usable() const { return !broken_ && !session_.draining(); }
    /// True after GOAWAY with NO_ERROR.
    [[nodiscard]] bool shutting_down() const { return shutting_down_; }
    /// Why the connection is not usable; empty while it is.
    [[nodiscard]] const std::string& reason() const { return reason_; }
    /// The status code of calls on the broken connection: unavailable, or permission_denied if the
    /// peer rejected our certificate.
    [[nodiscard]] grpc::code failure_code() const { return failure_code_; }
    [[nodiscard]] const endpoint& peer() const { return peer_; }
    [[nodiscard]] aio::clock& clock() const { return *clock_; }

private:
    void on_headers(http2::stream_id id, const std::vector<http2::header>& headers, bool end_stream) override;
    void on_data(http2::stream_id id, std::string_view bytes) override;
    void on_close(http2::stream_id id, http2::error_code code, bool unprocessed) override;
    void on_goaway(http2::error_code code, std::string_view debug_data) override;
    void on_ping_ack(std::uint64_t opaque) override;

    keepalive::actions keepalive_actions();
    base::result<void> close_refused(base::result<void> session_result);
    [[nodiscard]] failure with_peer_name(const failure& why) const;
    [[nodiscard]] failure explain_reset(const failure& why) const;
    [[nodiscard]] std::string closed_by_peer() const;
    void call_broken_listeners();
    void fail_after_grace(failure why);

    std::unique_ptr<byte_stream> stream_;
    endpoint peer_;
    aio::clock* clock_;
    channel_options options_;
    http2::session session_;
    aio::asio::any_io_executor executor_;
    aio::event output_;  ///< there may be something to send, or the connection broke
    std::uint64_t written_ = 0;
    std::map<http2::stream_id, http2_call*> calls_;
    /// Calls that the session closed as unprocessed during feed() or pull(). Whether they ended
    /// with the connection is only known afterwards.
    std::vector<std::pair<http2_call*, http2::error_code>> refused_;
    keepalive keepalive_;
    std::optional<aio::alarm> grace_timer_;  ///< a write failed; the reader may still receive the reason
    std::optional<aio::alarm> drain_timer_;  ///< GOAWAY arrived
    bool broken_ = false;
    bool shutting_down_ = false;
    std::string goaway_text_;  ///< set after GOAWAY
    std::string reason_;
    grpc::code failure_code_ = grpc::code::unavailable;
    aio::listeners broken_listeners_;  ///< each is called once
};

}  // namespace etcdsync::net
