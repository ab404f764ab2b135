// SPDX-License-Identifier: Apache-2.0
#include "http2/connection.hpp"

#include "base/escape.hpp"
#include "http2/callbacks.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace etcdsync::http2 {
namespace {

constexpr std::uint32_t largest_window = 0x7fff'ffff;   // RFC 9113 section 6.9.1
constexpr std::uint32_t smallest_max_frame = 1U << 14;  // section 6.5.2
constexpr std::uint32_t largest_max_frame = (1U << 24) - 1;
constexpr std::uint32_t last_stream_id = 0x7fff'ffff;
constexpr std::uint32_t reserved_ids = 2048;  // left for calls that start before their owner sees draining()

lib::option_ptr make_options() {
    auto option = lib::new_option();
    // Backpressure is ours: windows open when the owner consumed the bytes, not when they came.
    nghttp2_option_set_no_auto_window_update(option.get(), 1);
    nghttp2_option_set_no_closed_streams(option.get(), 1);  // they serve priorities only, which we do not use
    nghttp2_option_set_max_outbound_ack(option.get(), 1000);
    // The server may announce any table size (RFC 7541 section 4.2); our memory is not its to spend.
    nghttp2_option_set_max_deflate_dynamic_table_size(option.get(), 4096);
    return option;
}

class scope {
public:
    explicit scope(bool& flag) : flag_(flag) {
        assert(!flag_ && "feed() and pull() must not be called from an event");
        flag_ = true;
    }
    ~scope() { flag_ = false; }
    scope(scope&&) = delete;

private:
    bool& flag_;
};

}  // namespace

connection::connection(events& sink, const session_options& options)
    : sink_(sink), block_(options.max_header_bytes, options.max_header_fields), idle_(options.max_idle_frames) {
    const auto callbacks = make_callbacks();
    const auto option = make_options();
    nghttp2_session* raw = nullptr;
    lib::need(nghttp2_session_client_new2(&raw, callbacks.get(), this, option.get()));
    session_.reset(raw);
    submit_settings(options);
    const auto window = static_cast<std::int32_t>(std::min(options.connection_window, largest_window));
    lib::need(nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0, window));
    if (options.first_stream_id != 1) {
        lib::need(nghttp2_session_set_next_stream_id(raw, options.first_stream_id));
    }
}

connection::~connection() { assert(!inside_ && "a session must not be destroyed from an event"); }

void connection::submit_settings(const session_options& options) {
    const std::uint32_t frame = std::clamp(options.max_frame_size, smallest_max_frame, largest_max_frame);
    const std::array<nghttp2_settings_entry, 4> settings = {{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, std::min(options.stream_window, largest_window)},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, frame},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},  // RFC 9218 section 2.1
    }};
    lib::need(nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
}

base::result<void> connection::feed(std::string_view bytes) {
    assert(!inside_ && "feed() from an event");
    if (failed_) return base::error(*failed_);
    if (greeted_) return receive(bytes);
    const std::string kept = greeting_.head();
    switch (greeting_.look(bytes)) {
        case greeting::verdict::undecided: return {};
        case greeting::verdict::foreign: return fail(greeting_.text());
        case greeting::verdict::http2: break;
    }
    greeted_ = true;
    return kept.empty() ? receive(bytes) : receive(kept + std::string(bytes));
}

base::result<void> connection::receive(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto piece = frames_.next(bytes);
        if (piece.bytes.empty()) continue;
        idle_.spend(piece.heads);
        if (auto received = receive_piece(piece.bytes); !received) return received;
        if (idle_.exhausted()) return fail("the peer floods: too many frames in a row that bring no stream forward");
    }
    return {};
}

base::result<void> connection::receive_piece(std::string_view bytes) {
    detail_.clear();
    ssize_t taken = 0;
    {
        const scope s(inside_);
        taken = nghttp2_session_mem_recv(session_.get(), lib::bytes(bytes), bytes.size());
    }
    rethrow();
    if (taken < 0) return fail(why_ended(static_cast<int>(taken)).text);
    return check_terminated();
}

/// On a connection error nghttp2 swallows what follows, answers "ok" and only queues a GOAWAY; the one early sign is
/// that no request may be submitted any more. Sending the GOAWAY tells this from an ordinary shutdown.
base::result<void> connection::check_terminated() {
    if (nghttp2_session_check_request_allowed(session_.get()) != 0) return {};
    return flush(pending_);
}

base::result<void> connection::pull(std::string& out) {
    assert(!inside_ && "pull() from an event");
    if (failed_) return base::error(*failed_);
    out += pending_;
    pending_.clear();
    do {
        tell_settled();
        if (auto flushed = flush(out); !flushed) return flushed;
    } while (!settled_.empty());
    return {};
}

base::result<void> connection::flush(std::string& out) {
    ssize_t size = 0;
    do {
        const std::uint8_t* data = nullptr;
        const scope s(inside_);
        size = nghttp2_session_mem_send(session_.get(), &data);  // one frame a call
        if (size > 0) out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    } while (size > 0);
    rethrow();
    if (size < 0) return fail(why_ended(static_cast<int>(size)).text);
    if (!goodbye_.empty()) return fail(why_ended(0).text);
    return {};
}

base::error connection::fail(std::string text) {
    failed_ = std::move(text);
    return base::error(*failed_);
}

base::error connection::why_ended(int library_error) const {
    if (!verdict_.empty()) return base::error(verdict_);
    std::string text = "the peer broke HTTP/2: ";
    text += goodbye_.empty() ? lib::text(library_error) : std::string_view(goodbye_);
    if (!detail_.empty()) text += " (" + detail_ + ")";
    return base::error(base::printable(text, 512));
}

void connection::rethrow() {
    if (!thrown_) return;
    fail("an event handler failed");
    std::rethrow_exception(std::exchange(thrown_, nullptr));
}

bool connection::finished() const {
    if (failed_) return true;
    if (!settled_.empty() || !pending_.empty()) return false;
    return nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
}

bool connection::draining() const {
    return failed_ || goaway_ || nghttp2_session_get_next_stream_id(session_.get()) > last_stream_id - reserved_ids;
}

}  // namespace etcdsync::http2
