// SPDX-License-Identifier: Apache-2.0
#include "net/connection.hpp"

#include "base/escape.hpp"
#include "grpc/call_state.hpp"
#include "net/http2_call.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include <utility>

namespace etcdsync::net {

using aio::asio::buffer;

connection::connection(std::unique_ptr<byte_stream> stream, endpoint peer, aio::clock& clock,
                       const aio::asio::any_io_executor& executor, const channel_options& options)
    : stream_(std::move(stream)), peer_(std::move(peer)), clock_(&clock), options_(options),
      session_(*this, options.http2), executor_(executor), output_(executor), last_heard_(clock.now()) {
    const auto limit = last_heard_ + options.greeting_timeout;
    greeting_limit_.emplace(clock, limit, [this] {
        fail(about_peer(base::error("the peer accepts connections but says nothing: it hangs, or it is no etcd")));
    });
}

aio::awaitable<> connection::read_loop(std::shared_ptr<connection>) {
    std::string into(64U << 10, '\0');
    while (!broken_) {
        const auto space = buffer(into);
        const auto count = co_await stream_->read_some(space);
        if (!count) {
            fail(about_peer(explained(count.error())));
        } else if (*count == 0) {
            fail(about_peer(base::error(closed_by_peer())));
        } else if (!broken_) {
            heard();
            const auto fed = tell_refused(session_.feed(std::string_view(into.data(), *count)));
            if (!fed) fail(about_peer(fed.error()));
            output_.notify();
        }
    }
}

aio::awaitable<> connection::write_loop(std::shared_ptr<connection>) {
    // One write a turn, however many frames became ready meanwhile.
    std::string out;
    while (!broken_) {
        out.clear();
        const auto pulled = tell_refused(session_.pull(out));
        if (!pulled) fail(about_peer(pulled.error()));
        if (!out.empty() && !broken_) {
            const auto bytes = buffer(std::as_const(out));
            const auto written = co_await stream_->write(bytes);
            if (!written) {
                leave_it_to_reader(about_peer(written.error()));
                co_return;
            }
        } else if (session_.finished()) {
            fail(why_.empty() ? about_peer(base::error("the connection was shut down")) : failure(base::error(why_)));
        } else if (!broken_) {
            if (out.capacity() > (256U << 10)) std::string().swap(out);
            co_await output_.wait();
        }
    }
}

failure connection::about_peer(const failure& why) const {
    return {fmt::format("{}: {}", peer_.name(), why.text), why.access_denied};
}

void connection::heard() {
    greeting_limit_.reset();
    greeted_ = true;
    last_heard_ = clock_->now();
    ping_open_ = false;
}

/// A peer that hangs up on bytes it did not read resets the connection.
failure connection::explained(const failure& why) const {
    if (greeted_ || peer_.tls || why.access_denied) return why;
    return base::error(fmt::format("{} ({})", closed_by_peer(), why.text));
}

std::string connection::closed_by_peer() const {
    if (!goodbye_.empty()) return goodbye_;
    if (greeted_) return "the server closed the connection";
    // What etcd does with plain HTTP/2 where it expects TLS, and with TLS where the handshake had no ALPN (etcd-wire.md 1.6).
    return fmt::format("the server closed the connection without a word{}",
                       peer_.tls ? "" : ": does its endpoint need https://?");
}

/// A peer that refuses us says why and closes: what it said is still to be read while our write fails already.
void connection::leave_it_to_reader(failure why) {
    constexpr std::chrono::milliseconds last_words{250};
    if (broken_) return;
    parting_.emplace(*clock_, clock_->now() + last_words, [this, why = std::move(why)] { fail(why); });
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
        // What the server said when it left tells more.
        if (goodbye_.empty()) why_ = fmt::format("{}: {}", peer_.name(), id.error().text);
        return std::nullopt;
    }
    calls_.emplace(*id, &call);
    output_.notify();
    watch_over_peer();
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

void connection::on_broken(std::function<void()> handler) {
    if (broken_ && handler) {
        aio::asio::post(executor_, std::move(handler));
    } else {
        broken_handler_ = std::move(handler);
    }
}

void connection::fail(const failure& why) {
    if (broken_) return;
    broken_ = true;
    why_ = why.text;
    if (why.access_denied && !greeted_) broken_as_ = grpc::code::permission_denied;
    keepalive_.reset();
    greeting_limit_.reset();
    parting_.reset();
    leaving_.reset();
    for (const auto& [call, code] : std::exchange(refused_, {})) call->on_broken(true);
    for (const auto& [id, call] : std::exchange(calls_, {})) call->on_broken(false);
    stream_->close();
    output_.notify();
    if (const auto handler = std::exchange(broken_handler_, nullptr)) handler();
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

/// Passes on what the session says. Where it goes on working, the calls it refused meanwhile learn so; else fail() tells them.
base::result<void> connection::tell_refused(base::result<void> outcome) {
    if (!outcome) return outcome;
    for (const auto& [call, code] : std::exchange(refused_, {})) call->on_close(code, true);
    return outcome;
}

void connection::on_goaway(http2::error_code code, std::string_view debug_data) {
    // What is under way may end. A watch never does, and a server that shuts down in order would wait for it.
    constexpr std::chrono::seconds to_end{2};
    shutting_down_ = code == http2::error_code::no_error;
    const std::string words = fmt::format("GOAWAY {}{}{}", http2::to_string(code), debug_data.empty() ? "" : ": ",
                                          base::printable(debug_data));
    goodbye_ = shutting_down_ ? fmt::format("the server is shutting down ({})", words) : "the server sent " + words;
    why_ = fmt::format("{}: {}", peer_.name(), goodbye_);
    if (!leaving_) leaving_.emplace(*clock_, clock_->now() + to_end, [this] { fail(base::error(why_)); });
}

void connection::on_ping_ack(std::uint64_t) { ping_open_ = false; }

void connection::watch_over_peer() {
    if (keepalive_) return;
    last_heard_ = clock_->now();
    keepalive_.emplace(*clock_, last_heard_ + options_.keepalive_time, [this] { check_peer(); });
}

void connection::check_peer() {
    keepalive_.reset();
    if (calls_.empty()) return;  // armed again by the next open()
    const auto now = clock_->now();
    auto next = last_heard_ + options_.keepalive_time;
    if (now >= next) {
        if (ping_open_) {
            const auto silence = std::chrono::duration_cast<std::chrono::seconds>(now - last_heard_);
            fail(about_peer(base::error(fmt::format("no sign of life for {} s", silence.count()))));
            return;
        }
        ping_open_ = true;
        session_.ping(0);
        output_.notify();
        next = now + options_.keepalive_timeout;
    }
    keepalive_.emplace(*clock_, next, [this] { check_peer(); });
}

}  // namespace etcdsync::net
