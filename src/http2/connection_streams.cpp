// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "http2/callbacks.hpp"
#include "http2/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

/// What the owner asks of streams.
namespace etcdsync::http2 {
namespace {

/// The library drops requests above 64 KiB of headers without a word to us, and etcd's answers above 8 KiB vary.
constexpr std::size_t largest_request_headers = 32U << 10;

/// nghttp2 checks what it receives, not what it sends: a token with a line break must not become two headers
/// (RFC 9113 section 8.2.1).
bool is_valid(const header_view& h) {
    return nghttp2_check_header_name(lib::bytes(h.name), h.name.size()) != 0 &&
           nghttp2_check_header_value_rfc9113(lib::bytes(h.value), h.value.size()) != 0;
}

}  // namespace

base::result<stream_id> connection::submit_request(std::span<const header_view> headers) {
    if (failed_) return base::error(*failed_);
    if (goaway_) return base::error("the server is closing this connection (GOAWAY): no new streams");
    std::vector<nghttp2_nv> fields;
    std::size_t size = 0;
    for (const auto& h : headers) {
        size += h.name.size() + h.value.size();
        if (!is_valid(h)) {
            return base::error("header \"" + base::printable(h.name) + "\" holds characters that HTTP forbids");
        }
        fields.push_back(lib::name_value(h));
    }
    if (size > largest_request_headers)
        return base::error(fmt::format("{} bytes of request headers are too many", size));
    const nghttp2_data_provider body = make_body_reader();
    const auto id = nghttp2_submit_request(session_.get(), nullptr, fields.data(), fields.size(), &body, nullptr);
    if (id == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) return base::error("this connection has no stream ids left");
    if (id < 0) return base::error(fmt::format("cannot open a stream: {}", lib::text(id)));
    streams_.emplace(id, open_stream{});
    return id;
}

void connection::send(stream_id id, std::string bytes, bool end_stream) {
    auto* const stream = find(id);
    if (stream == nullptr || stream->muted) return;
    stream->body.push(std::move(bytes));
    if (end_stream) stream->body.end();
    nghttp2_session_resume_data(session_.get(), id);  // an error where it was not deferred: all is well then
}

void connection::consume(stream_id id, std::size_t count) {
    assert(count <= unconsumed_ && "more consumed than was delivered");
    unconsumed_ -= count;
    if (count == 0 || failed_) return;
    // A stream that is over needs no window, but its bytes still fill the connection's (RFC 9113 section 6.9.1).
    const auto* const stream = find(id);
    const bool receiving = stream != nullptr && !stream->ended && !stream->muted;
    lib::need(receiving ? nghttp2_session_consume(session_.get(), id, count)
                        : nghttp2_session_consume_connection(session_.get(), count));
}

void connection::reset(stream_id id, error_code code) {
    auto* const stream = find(id);
    if (stream == nullptr || stream->muted || failed_) return;
    if (!stream->sent) return settle_unsent(id, code);
    stream->muted = true;
    lib::need(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code)));
}

/// Ends a request the server never saw; it may be one that waits for SETTINGS_MAX_CONCURRENT_STREAMS, for which the
/// library would tell us only when its turn comes. Told by the next pull(): owners expect no events from reset().
void connection::settle_unsent(stream_id id, error_code code) {
    // Takes the request out of the library's queue; nothing is sent.
    lib::need(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code)));
    streams_.erase(id);
    settled_.push_back({id, code, true});
}

void connection::tell_settled() {
    while (!settled_.empty()) {
        const auto batch = std::exchange(settled_, {});
        inside_ = true;
        try {
            for (const auto& c : batch) sink_.on_close(c.id, c.code, c.unprocessed);
        } catch (...) {
            inside_ = false;
            thrown_ = std::current_exception();
            rethrow();
        }
        inside_ = false;
    }
}

void connection::ping(std::uint64_t opaque) {
    if (failed_) return;
    std::array<std::uint8_t, 8> data{};
    for (auto& byte : data) {
        byte = static_cast<std::uint8_t>(opaque >> 56U);
        opaque <<= 8U;
    }
    lib::need(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, data.data()));
    ++pings_;
}

ssize_t connection::body_wanted(stream_id id, char* out, std::size_t room, std::uint32_t& flags) {
    auto* const stream = find(id);
    if (stream == nullptr || stream->muted) return NGHTTP2_ERR_DEFERRED;  // its RST_STREAM is on the way
    if (stream->body.empty() && !stream->body.ended()) return NGHTTP2_ERR_DEFERRED;
    const std::size_t size = stream->body.take(out, room);
    if (stream->body.empty() && stream->body.ended()) flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(size);
}

ssize_t connection::body_available(stream_id id, std::size_t most) {
    const auto* const stream = find(id);
    const std::size_t size = stream == nullptr ? 0 : stream->body.size();
    return static_cast<ssize_t>(std::clamp<std::size_t>(size, 1, most));
}

open_stream* connection::find(stream_id id) {
    const auto it = streams_.find(id);
    return it == streams_.end() ? nullptr : &it->second;
}

open_stream* connection::find_listening(stream_id id) {
    auto* const stream = find(id);
    return stream == nullptr || stream->muted ? nullptr : stream;
}

}  // namespace etcdsync::http2
