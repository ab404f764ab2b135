// SPDX-License-Identifier: Apache-2.0
#include "net/connection.hpp"

#include "base/escape.hpp"
#include "grpc/call_state.hpp"
#include "net/http2_call.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::net {

using aio::asio::buffer;

connection::connection(std::unique_ptr<byte_stream> stream, endpoint peer, aio::clock& clock,
                       const aio::asio::any_io_executor& executor, const channel_options& options)
    : stream_(std::move(stream)), peer_(std::move(peer)), clock_(&clock), options_(options),
      session_(*this, options.http2), executor_(executor), output_(executor),
      keepalive_(clock, {options.preface_timeout, options.keepalive_time, options.keepalive_timeout},
                 keepalive_actions()) {}

keepalive::actions connection::keepalive_actions() {
    return {[this] { return !calls_.empty(); },
            [this] { return std::ranges::any_of(calls_, [](const auto& one) { return one.second->has_deadline(); }); },
            [this] {
                session_.ping(0);
                output_.notify();
            },
            [this](std::string why) { fail(with_peer_name(base::error(std::move(why)))); }};
}

aio::awaitable<> connection::read_loop(std::shared_ptr<connection>) {
    std::string into(64U << 10, '\0');
    while (!broken_) {
        const auto space = buffer(into);
        const auto count = co_await stream_->read_some(space);
        if (!count) {
            fail(with_peer_name(explain_reset(count.error())));
        } else if (*count == 0) {
            fail(with_peer_name(base::error(closed_by_peer())));
        } else if (!broken_) {
            keepalive_.received();
            const auto fed = close_refused(session_.feed(std::string_view(into.data(), *count)));
            if (!fed) fail(with_peer_name(fed.error()));
            output_.notify();
        }
    }
}

aio::awaitable<> connection::write_loop(std::shared_ptr<connection>) {
    // One write for all frames that are ready.
    std::string out;
    while (!broken_) {
        out.clear();
        const auto pulled = close_refused(session_.pull(out));
        if (!pulled) fail(with_peer_name(pulled.error()));
        if (!out.empty() && !broken_) {
            written_ += out.size();
            const auto bytes = buffer(std::as_const(out));
            const auto written = co_await stream_->write(bytes);
            if (!written) {
                fail_after_grace(with_peer_name(written.error()));
                co_return;
            }
        } else if (session_.finished()) {
            fail(reason_.empty() ? with_peer_name(base::error("the connection was shut down"))
                                 : failure(base::error(reason_)));
        } else if (!broken_) {
            if (out.capacity() > (256U << 10)) std::string().swap(out);
            co_await output_.wait();
        }
    }
}

failure connection::with_peer_name(const failure& why) const {
    return {fmt::format("{}: {}", peer_.name(), why.text), why.access_denied};
}

/// Explains a reset before the first bytes of the peer: it closed the connection with our bytes
/// unread.
failure connection::explain_reset(const failure& why) const {
    if (keepalive_.peer_has_sent() || peer_.tls || why.access_denied) return why;
    return base::error(fmt::format("{} ({})", closed_by_peer(), why.text));
}

std::string connection::closed_by_peer() const {
    if (!goaway_text_.empty()) return goaway_text_;
    if (keepalive_.peer_has_sent()) return "the server closed the connection";
    // etcd does this if it expects TLS and gets plain HTTP/2, or TLS without ALPN (etcd-wire.md
    // 1.6).
    return fmt::format("the server closed the connection without an answer{}",
                       peer_.tls ? "" : ": does its endpoint need https://?");
}

/// Fails after a short time, in which the reader may receive a better reason: a peer that rejects
/// us sends the reason and closes, and our write may fail before that was read.
void connection::fail_after_grace(failure why) {
    constexpr std::chrono::milliseconds grace{250};
    if (broken_) return;
    grace_timer_.emplace(*clock_, clock_->now() + grace, [this, why = std::move(why)] { fail(why); });
}

std::optional<http2::stream_id> connection::open(http2_call& call, std::string_view path, const call_options& options) {
    if (broken_) return std::nullopt;
    std::vector<http2::header_view> metadata;
    metadata.reserve(options.metadata.size());
    for (const metadata_entry& entry : options.metadata) metadata.push_back({entry.name, entry.value, entry.sensitive});
    const std::string authority = peer_.authority();
    const auto headers = grpc::request_headers(path, authority, peer_.tls != nullptr, metadata);
    const auto id = session_.submit_request(headers);
    if (!id) {
        // The reason of a GOAWAY is more useful.
        if (goaway_text_.empty()) reason_ = fmt::format("{}: {}", peer_.name(), id.error().text);
        return std::nullopt;
    }
    calls_.emplace(*id, &call);
    output_.notify();
    keepalive_.call_opened();
    return *id;
}

void connection::forget(http2::stream_id id) { calls_.erase(id); }

void connection::send(http2::stream_id id, std::string bytes, bool last) {
    session_.send(id, std::move(bytes), last);
    output_.notify();
}

void connection::consume(http2::stream_id id, std::size_t count) {
    if (broken_ || count == 0) return;
    session_.consume(id, count);
    output_.notify();
}

void connection::reset(http2::stream_id id, http2::error_code code) {
    if (broken_) return;
    session_.reset(id, code);
    output_.notify();
}

aio::subscription connection::on_broken(std::function<void()> listener) {
    aio::subscription out = broken_listeners_.subscribe(std::move(listener));
    if (broken_) aio::asio::post(executor_, [self = shared_from_this()] { self->call_broken_listeners(); });
    return out;
}

void connection::call_broken_listeners() {
    aio::listeners each = std::exchange(broken_listeners_, aio::listeners());
    each.notify();
}

void connection::fail(const failure& why) {
    if (broken_) return;
    broken_ = true;
    reason_ = why.text;
    if (why.access_denied && !keepalive_.peer_has_sent()) failure_code_ = grpc::code::permission_denied;
    keepalive_.stop();
    grace_timer_.reset();
    drain_timer_.reset();
    for (const auto& [call, code] : std::exchange(refused_, {})) call->on_broken(true);
    for (const auto& [id, call] : std::exchange(calls_, {})) call->on_broken(false);
    stream_->close();
    output_.notify();
    call_broken_listeners();
}

void connection::on_headers(http2::stream_id id, const std::vector<http2::header>& headers, bool end_stream) {
    if (const auto found = calls_.find(id); found != calls_.end()) found->second->on_headers(headers, end_stream);
}

void connection::on_data(http2::stream_id id, std::string_view bytes) {
    if (const auto found = calls_.find(id); found != calls_.end()) {
        found->second->on_data(bytes);
    } else {
        session_.consume(id, bytes.size());
    }
}

void connection::on_close(http2::stream_id id, http2::error_code code, bool unprocessed) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) return;
    http2_call* const call = found->second;
    calls_.erase(found);
    if (unprocessed) {
        refused_.emplace_back(call, code);
    } else {
        call->on_close(code, false);
    }
}

/// Ends the calls that the session closed as unprocessed, and passes the result of the session on.
/// If the session failed, fail() ends them instead.
base::result<void> connection::close_refused(base::result<void> session_result) {
    if (!session_result) return session_result;
    for (const auto& [call, code] : std::exchange(refused_, {})) call->on_close(code, true);
    return session_result;
}

void connection::on_goaway(http2::error_code code, std::string_view debug_data) {
    // Open calls get some time to end. A watch never ends, and a graceful shutdown would wait for
    // it.
    constexpr std::chrono::seconds drain_time{2};
    shutting_down_ = code == http2::error_code::no_error;
    const bool too_many_pings = code == http2::error_code::enhance_your_calm && debug_data == "too_many_pings";
    if (too_many_pings && options_.on_too_many_pings) options_.on_too_many_pings();
    const std::string goaway = fmt::format("GOAWAY {}{}{}", http2::to_string(code), debug_data.empty() ? "" : ": ",
                                           base::printable(debug_data));
    goaway_text_ =
        shutting_down_ ? fmt::format("the server is shutting down ({})", goaway) : "the server sent " + goaway;
    reason_ = fmt::format("{}: {}", peer_.name(), goaway_text_);
    if (!drain_timer_)
        drain_timer_.emplace(*clock_, clock_->now() + drain_time, [this] { fail(base::error(reason_)); });
}

void connection::on_ping_ack(std::uint64_t) { keepalive_.ping_answered(); }

}  // namespace etcdsync::net
