// SPDX-License-Identifier: Apache-2.0
#include "http2/connection.hpp"

/// What the library tells.
namespace etcdsync::http2 {
namespace {

constexpr unsigned most_informational = 8;

std::uint64_t big_endian(const std::uint8_t (&bytes)[8]) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8U | byte;
    return value;
}

}  // namespace

int connection::frame_begins(const nghttp2_frame_hd& head) {
    if (head.type != NGHTTP2_PUSH_PROMISE) return 0;
    verdict_ = "the peer broke HTTP/2: it pushes streams (PUSH_PROMISE)";  // we forbid it: RFC 9113 section 8.4
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int connection::block_begins(stream_id) {
    block_.clear();
    return 0;
}

int connection::header_came(stream_id id, std::string_view name, std::string_view value) {
    auto* const stream = find_listening(id);
    if (stream == nullptr || block_.add(name, value)) return 0;
    stream->muted = true;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM(INTERNAL_ERROR); the rest is decoded but not told
}

int connection::frame_came(const nghttp2_frame& frame) {
    switch (frame.hd.type) {
        case NGHTTP2_HEADERS: block_came(frame); break;
        case NGHTTP2_DATA:
            if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream_ended(frame.hd.stream_id);
            break;
        case NGHTTP2_GOAWAY: goaway_came(frame.goaway); break;
        case NGHTTP2_PING:
            if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) ping_ack_came(frame.ping);
            break;
        default: break;
    }
    return 0;
}

void connection::block_came(const nghttp2_frame& frame) {
    const stream_id id = frame.hd.stream_id;
    auto* const stream = find_listening(id);
    if (stream == nullptr) return;
    if (block_.informational()) {
        if (++stream->informational > most_informational) reset(id, error_code::enhance_your_calm);
        return;
    }
    idle_.progress();
    stream->answered = true;
    const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    sink_.on_headers(id, block_.fields(), end);
    if (end) stream_ended(id);
}

int connection::data_came(stream_id id, std::string_view bytes) {
    auto* const stream = find_listening(id);
    if (stream == nullptr) {  // nobody will consume these
        lib::need(nghttp2_session_consume_connection(session_.get(), bytes.size()));
        return 0;
    }
    if (bytes.empty()) return 0;
    idle_.progress(bytes.size());
    unconsumed_ += bytes.size();
    sink_.on_data(id, bytes);
    return 0;
}

/// A server may answer before our side has ended (RFC 9113 section 8.1). Nothing we could still send matters then, and
/// a stream closes only when both sides are.
void connection::stream_ended(stream_id id) {
    auto* const stream = find_listening(id);
    if (stream == nullptr) return;
    stream->ended = true;
    if (nghttp2_session_get_stream_local_close(session_.get(), id) == 0) {
        lib::need(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR));
    }
}

void connection::goaway_came(const nghttp2_goaway& frame) {
    goaway_ = true;
    sink_.on_goaway(static_cast<error_code>(frame.error_code), lib::view(frame.opaque_data, frame.opaque_data_len));
    // The library refuses those beyond the last id; the ones still in its queue we settle at once.
    std::vector<stream_id> unsent;
    for (const auto& [id, stream] : streams_) {
        if (!stream.sent) unsent.push_back(id);
    }
    for (const auto id : unsent) settle_unsent(id, error_code::refused_stream);
}

void connection::ping_ack_came(const nghttp2_ping& frame) {
    if (pings_ == 0) return;  // never asked
    --pings_;
    idle_.forgive();
    sink_.on_ping_ack(big_endian(frame.opaque_data));
}

void connection::frame_sent(const nghttp2_frame& frame) {
    if (frame.hd.type == NGHTTP2_HEADERS) {
        if (auto* const stream = find(frame.hd.stream_id)) stream->sent = true;
    } else if (frame.hd.type == NGHTTP2_GOAWAY) {  // we never send one: the library ended the session
        goodbye_ = to_string(static_cast<error_code>(frame.goaway.error_code));
        const auto reason = lib::view(frame.goaway.opaque_data, frame.goaway.opaque_data_len);
        if (!reason.empty()) goodbye_ += ", " + std::string(reason);
    }
}

void connection::stream_closed(stream_id id, error_code code) {
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;  // settled before
    // A server that has begun to answer has acted on the request, whatever it says.
    const bool refused = code == error_code::refused_stream && !it->second.answered && !it->second.muted;
    const bool unprocessed = refused || !it->second.sent;
    streams_.erase(it);
    sink_.on_close(id, code, unprocessed);
}

void connection::library_says(std::string_view text) { detail_ = text; }

}  // namespace etcdsync::http2
