// SPDX-License-Identifier: Apache-2.0
#include "http2/connection.hpp"

/// The part of `connection` that handles the library's callbacks.
namespace etcdsync::http2 {
namespace {

constexpr unsigned max_informational = 8;

std::uint64_t big_endian(const std::uint8_t (&bytes)[8]) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8U | byte;
    return value;
}

}  // namespace

int connection::on_begin_frame(const nghttp2_frame_hd& header) {
    if (header.type != NGHTTP2_PUSH_PROMISE) return 0;
    callback_error_ =
        "the peer violated HTTP/2: it sent PUSH_PROMISE";  // disabled by our SETTINGS: RFC 9113 section 8.4
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int connection::on_begin_headers(stream_id) {
    block_.clear();
    return 0;
}

int connection::on_header(stream_id id, std::string_view name, std::string_view value) {
    auto* const stream = find_active(id);
    if (stream == nullptr || block_.add(name, value)) return 0;
    stream->muted = true;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // RST_STREAM(INTERNAL_ERROR); the rest is decoded and dropped
}

int connection::on_frame(const nghttp2_frame& frame) {
    switch (frame.hd.type) {
        case NGHTTP2_HEADERS: on_header_block(frame); break;
        case NGHTTP2_DATA:
            if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) on_end_stream(frame.hd.stream_id);
            break;
        case NGHTTP2_WINDOW_UPDATE: ++window_updates_; break;
        case NGHTTP2_GOAWAY: on_goaway(frame.goaway); break;
        case NGHTTP2_PING:
            if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) on_ping_ack(frame.ping);
            break;
        default: break;
    }
    return 0;
}

void connection::on_header_block(const nghttp2_frame& frame) {
    const stream_id id = frame.hd.stream_id;
    auto* const stream = find_active(id);
    if (stream == nullptr) return;
    if (block_.informational()) {
        if (++stream->informational > max_informational) reset(id, error_code::enhance_your_calm);
        return;
    }
    idle_.progress();
    stream->answered = true;
    const bool end = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    sink_.on_headers(id, block_.fields(), end);
    if (end) on_end_stream(id);
}

int connection::on_data(stream_id id, std::string_view bytes) {
    auto* const stream = find_active(id);
    if (stream == nullptr) {  // the owner will not consume these
        lib::check_memory(nghttp2_session_consume_connection(session_.get(), bytes.size()));
        return 0;
    }
    if (bytes.empty()) return 0;
    idle_.progress(bytes.size());
    unconsumed_ += bytes.size();
    sink_.on_data(id, bytes);
    return 0;
}

/// Handles END_STREAM. A server may end the stream before our side has (RFC 9113 section 8.1). Then
/// we reset it: nothing we could still send matters, and a stream closes only when both sides do.
void connection::on_end_stream(stream_id id) {
    auto* const stream = find_active(id);
    if (stream == nullptr) return;
    stream->ended = true;
    if (nghttp2_session_get_stream_local_close(session_.get(), id) == 0) {
        lib::check_memory(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR));
    }
}

void connection::on_goaway(const nghttp2_goaway& frame) {
    goaway_ = true;
    sink_.on_goaway(static_cast<error_code>(frame.error_code), lib::view(frame.opaque_data, frame.opaque_data_len));
    // The library closes the streams beyond the last id, but not the ones still in its queue.
    std::vector<stream_id> unsent;
    for (const auto& [id, stream] : streams_) {
        if (!stream.sent) unsent.push_back(id);
    }
    for (const auto id : unsent) close_unsent(id, error_code::refused_stream);
}

void connection::on_ping_ack(const nghttp2_ping& frame) {
    if (pings_ == 0) return;  // not an answer to a PING of ours
    --pings_;
    idle_.refund_one();
    sink_.on_ping_ack(big_endian(frame.opaque_data));
}

void connection::on_frame_sent(const nghttp2_frame& frame) {
    if (frame.hd.type == NGHTTP2_HEADERS) {
        if (auto* const stream = find(frame.hd.stream_id)) stream->sent = true;
    } else if (frame.hd.type == NGHTTP2_GOAWAY) {  // only the library sends one: it ended the session
        goaway_text_ = to_string(static_cast<error_code>(frame.goaway.error_code));
        const auto reason = lib::view(frame.goaway.opaque_data, frame.goaway.opaque_data_len);
        if (!reason.empty()) goaway_text_ += ", " + std::string(reason);
    }
}

void connection::on_stream_close(stream_id id, error_code code) {
    const auto it = streams_.find(id);
    if (it == streams_.end()) return;  // close_unsent() did it
    // A server that has started to respond has processed the request, whatever the code says.
    const bool refused = code == error_code::refused_stream && !it->second.answered && !it->second.muted;
    const bool unprocessed = refused || !it->second.sent;
    streams_.erase(it);
    sink_.on_close(id, code, unprocessed);
}

void connection::on_error_text(std::string_view text) { library_text_ = text; }

}  // namespace etcdsync::http2
