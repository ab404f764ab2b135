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
constexpr std::uint32_t reserved_ids = 2048;  // for calls that start before their owner checks draining()

lib::option_ptr make_library_options() {
    auto option = lib::new_option();
    // Backpressure: windows open when the owner consumes the bytes, not when they arrive.
    nghttp2_option_set_no_auto_window_update(option.get(), 1);
    nghttp2_option_set_no_closed_streams(option.get(), 1);  // only needed for priorities, which we do not use
    nghttp2_option_set_max_outbound_ack(option.get(), 1000);
    // The server may announce any table size (RFC 7541 section 4.2); limit the memory used for it.
    nghttp2_option_set_max_deflate_dynamic_table_size(option.get(), 4096);
    return option;
}

/// Marks that a call into the library is on the stack.
class library_scope {
public:
    explicit library_scope(bool& flag) : flag_(flag) {
        assert(!flag_ && "feed() and pull() must not be called from an event");
        flag_ = true;
    }
    ~library_scope() { flag_ = false; }
    library_scope(library_scope&&) = delete;

private:
    bool& flag_;
};

}  // namespace

connection::connection(events& sink, const session_options& options)
    : sink_(sink), block_(options.max_header_bytes, options.max_header_fields), idle_(options.max_idle_frames) {
    const auto callbacks = make_callbacks();
    const auto option = make_library_options();
    nghttp2_session* raw = nullptr;
    lib::check_memory(nghttp2_session_client_new2(&raw, callbacks.get(), this, option.get()));
    session_.reset(raw);
    submit_settings(options);
    const auto window = static_cast<std::int32_t>(std::min(options.connection_window, largest_window));
    lib::check_memory(nghttp2_session_set_local_window_size(raw, NGHTTP2_FLAG_NONE, 0, window));
    if (options.first_stream_id != 1) {
        lib::check_memory(nghttp2_session_set_next_stream_id(raw, options.first_stream_id));
    }
}

connection::~connection() { assert(!in_library_ && "a session must not be destroyed from an event"); }

void connection::submit_settings(const session_options& options) {
    const std::uint32_t frame = std::clamp(options.max_frame_size, smallest_max_frame, largest_max_frame);
    const std::array<nghttp2_settings_entry, 4> settings = {{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, std::min(options.stream_window, largest_window)},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, frame},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},  // RFC 9218 section 2.1
    }};
    lib::check_memory(nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size()));
}

base::result<void> connection::feed(std::string_view bytes) {
    assert(!in_library_ && "feed() from an event");
    if (failure_) return base::error(*failure_);
    if (preface_checked_) return receive(bytes);
    const std::string held = preface_check_.held_bytes();
    switch (preface_check_.inspect(bytes)) {
        case preface_check::verdict::undecided: return {};
        case preface_check::verdict::other_protocol: return fail(preface_check_.error_text());
        case preface_check::verdict::http2: break;
    }
    preface_checked_ = true;
    return held.empty() ? receive(bytes) : receive(held + std::string(bytes));
}

base::result<void> connection::receive(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto piece = frames_.next(bytes);
        if (piece.bytes.empty()) continue;
        idle_.spend(piece.frame_headers);
        if (auto received = receive_piece(piece.bytes); !received) return received;
        if (idle_.exhausted()) return fail("the peer is flooding: too many frames that make no progress on any stream");
    }
    return {};
}

base::result<void> connection::receive_piece(std::string_view bytes) {
    library_text_.clear();
    ssize_t taken = 0;
    {
        const library_scope s(in_library_);
        taken = nghttp2_session_mem_recv(session_.get(), lib::bytes(bytes), bytes.size());
    }
    rethrow();
    if (taken < 0) return fail(session_error(static_cast<int>(taken)).text);
    return check_terminated();
}

/// Detects a connection error. On one, nghttp2 returns success, ignores all further input and only
/// queues a GOAWAY; the one early sign is that no request may be submitted any more. An ordinary
/// shutdown shows the same sign, but queues no GOAWAY: flush() finds out.
base::result<void> connection::check_terminated() {
    if (nghttp2_session_check_request_allowed(session_.get()) != 0) return {};
    return flush(pending_);
}

base::result<void> connection::pull(std::string& out) {
    assert(!in_library_ && "pull() from an event");
    if (failure_) return base::error(*failure_);
    out += pending_;
    pending_.clear();
    do {
        report_closed_unsent();
        if (auto flushed = flush(out); !flushed) return flushed;
    } while (!closed_unsent_.empty());
    return {};
}

base::result<void> connection::flush(std::string& out) {
    ssize_t size = 0;
    do {
        const std::uint8_t* data = nullptr;
        const library_scope s(in_library_);
        size = nghttp2_session_mem_send(session_.get(), &data);  // one frame per call
        if (size > 0) out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    } while (size > 0);
    rethrow();
    if (size < 0) return fail(session_error(static_cast<int>(size)).text);
    if (!goaway_text_.empty()) return fail(session_error(0).text);
    return {};
}

base::error connection::fail(std::string text) {
    failure_ = std::move(text);
    return base::error(*failure_);
}

base::error connection::session_error(int library_error) const {
    if (!callback_error_.empty()) return base::error(callback_error_);
    std::string text = "the peer violated HTTP/2: ";
    text += goaway_text_.empty() ? lib::text(library_error) : std::string_view(goaway_text_);
    if (!library_text_.empty()) text += " (" + library_text_ + ")";
    return base::error(base::printable(text, 512));
}

void connection::rethrow() {
    if (!exception_) return;
    fail("an event handler failed");
    std::rethrow_exception(std::exchange(exception_, nullptr));
}

bool connection::finished() const {
    if (failure_) return true;
    if (!closed_unsent_.empty() || !pending_.empty()) return false;
    return nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
}

bool connection::draining() const {
    return failure_ || goaway_ || nghttp2_session_get_next_stream_id(session_.get()) > last_stream_id - reserved_ids;
}

}  // namespace etcdsync::http2
