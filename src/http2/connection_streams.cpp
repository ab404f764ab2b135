// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "http2/callbacks.hpp"
#include "http2/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

/// The part of `connection` that handles the owner's calls on streams.
namespace etcdsync::http2 {
namespace {

/// The library drops requests with more than 64 KiB of headers without an error, and etcd's answers
/// to more than 8 KiB vary.
constexpr std::size_t max_request_headers = 32U << 10;

/// True if a header may be sent. nghttp2 only checks received headers, but a token with a line
/// break must not become two headers (RFC 9113 section 8.2.1).
bool is_valid(const header_view& h) {
    return nghttp2_check_header_name(lib::bytes(h.name), h.name.size()) != 0 &&
           nghttp2_check_header_value_rfc9113(lib::bytes(h.value), h.value.size()) != 0;
}

}  // namespace

base::result<stream_id> connection::submit_request(std::span<const header_view> headers) {
    if (failure_) return base::error(*failure_);
    if (goaway_) return base::error("cannot open a stream: the server is closing the connection (GOAWAY)");
    std::vector<nghttp2_nv> fields;
    std::size_t size = 0;
    for (const auto& h : headers) {
        size += h.name.size() + h.value.size();
        if (!is_valid(h)) {
            return base::error("header \"" + base::printable(h.name) +
                               "\" contains characters that HTTP does not allow");
        }
        fields.push_back(lib::name_value(h));
    }
    if (size > max_request_headers)
        return base::error(
            fmt::format("{} bytes of request headers exceed the limit of {}", size, max_request_headers));
    const nghttp2_data_provider body = make_body_reader();
    const auto id = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), &body, nullptr);
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE)
        return base::error("cannot open a stream: the connection has no stream ids left");
    if (id < 0) return base::error(fmt::format("cannot open a stream: {}", lib::text(id)));
    streams_.emplace(id, open_stream{});
    return id;
}

void connection::send(stream_id id, std::string bytes, bool end_stream) {
    auto* const stream = find(id);
    if (stream == nullptr || stream->muted) return;
    stream->body.push(std::move(bytes));
    if (end_stream) stream->body.end();
    nghttp2_session_resume_data(session_.get(), id);  // fails if it was not deferred, which is fine
}

std::size_t connection::queued(stream_id id) const {
    const auto it = streams_.find(id);
    return it == streams_.end() ? 0 : it->second.body.size();
}

void connection::consume(stream_id id, std::size_t count) {
    assert(count <= unconsumed_ && "consume() of more bytes than on_data() delivered");
    unconsumed_ -= count;
    if (count == 0 || failure_) return;
    // A closed stream needs no window, but its bytes still count in the connection's (RFC 9113
    // section 6.9.1).
    const auto* const stream = find(id);
    const bool receiving = stream != nullptr && !stream->ended && !stream->muted;
    lib::check_memory(receiving ? nghttp2_session_consume(session_.get(), id, count)
                                : nghttp2_session_consume_connection(session_.get(), count));
}

void connection::reset(stream_id id, error_code code) {
    auto* const stream = find(id);
    if (stream == nullptr || stream->muted || failure_) return;
    if (!stream->sent) return close_unsent(id, code);
    stream->muted = true;
    lib::check_memory(
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code)));
}

/// Closes a request that the server never saw. It may be waiting for
/// SETTINGS_MAX_CONCURRENT_STREAMS; the library would report its end only when its turn comes. The
/// next pull() reports it, because owners expect no events from reset().
void connection::close_unsent(stream_id id, error_code code) {
    // Removes the request from the library's queue; nothing is sent.
    lib::check_memory(
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code)));
    streams_.erase(id);
    closed_unsent_.push_back({id, code, true});
}

void connection::report_closed_unsent() {
    while (!closed_unsent_.empty()) {
        const auto batch = std::exchange(closed_unsent_, {});
        in_library_ = true;
        try {
            for (const auto& c : batch) sink_.on_close(c.id, c.code, c.unprocessed);
        } catch (...) {
            in_library_ = false;
            exception_ = std::current_exception();
            rethrow();
        }
        in_library_ = false;
    }
}

void connection::ping(std::uint64_t opaque) {
    if (failure_) return;
    std::array<std::uint8_t, 8> data{};
    for (auto& byte : data) {
        byte = static_cast<std::uint8_t>(opaque >> 56U);
        opaque <<= 8U;
    }
    lib::check_memory(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, data.data()));
    ++pings_;
}

ssize_t connection::read_body(stream_id id, char* out, std::size_t room, std::uint32_t& flags) {
    auto* const stream = find(id);
    if (stream == nullptr || stream->muted) return NGHTTP2_ERR_DEFERRED;  // its RST_STREAM is queued
    if (stream->body.empty() && !stream->body.ended()) return NGHTTP2_ERR_DEFERRED;
    const std::size_t size = stream->body.take(out, room);
    if (stream->body.empty() && stream->body.ended()) flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
}

ssize_t connection::readable_body(stream_id id, std::size_t limit) {
    const auto* const stream = find(id);
    const std::size_t size = stream == nullptr ? 0 : stream->body.size();
    return static_cast<ssize_t>(std::clamp<std::size_t>(size, 1, limit));
}

open_stream* connection::find(stream_id id) {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : &it->second;
}

open_stream* connection::find_active(stream_id id) {
    auto* const stream = find(id);
    return stream == nullptr || stream->muted ? nullptr : stream;
}

}  // namespace etcdsync::http2
