// SPDX-License-Identifier: Apache-2.0
#include "http2/callbacks.hpp"

#include "http2/connection.hpp"

#include <algorithm>
#include <exception>

namespace etcdsync::http2 {
namespace {

/// Runs a handler; what it throws is kept in the connection and stops the library.
template <class Result, class Handler>
Result guarded(void* user_data, Handler&& handler) noexcept {
    auto& self = *static_cast<connection*>(user_data);
    if (self.thrown()) return NGHTTP2_ERR_CALLBACK_FAILURE;
    try {
        return handler(self);
    } catch (...) {
        self.keep_exception(std::current_exception());
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
}

int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.frame_begins(*head); });
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.block_begins(frame->hd.stream_id); });
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) {
        return c.header_came(frame->hd.stream_id, lib::view(name, name_size), lib::view(value, value_size));
    });
}

int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.frame_came(*frame); });
}

int on_data_chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                  void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.data_came(id, lib::view(data, size)); });
}

int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.frame_sent(*frame), 0; });
}

/// Always 0: an error from here leaks memory before nghttp2 1.55.1 (CVE-2023-35945). The next callback stops it.
int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) noexcept {
    guarded<int>(self, [&](connection& c) { return c.stream_closed(id, static_cast<error_code>(code)), 0; });
    return 0;
}

int on_error(nghttp2_session*, int, const char* text, std::size_t size, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.library_says({text, size}), 0; });
}

ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room, std::uint32_t* flags,
                  nghttp2_data_source*, void* self) noexcept {
    return guarded<ssize_t>(
        self, [&](connection& c) { return c.body_wanted(id, reinterpret_cast<char*>(out), room, *flags); });
}

/// Without this callback nghttp2 never sends more than 16 KiB a frame, whatever the server allows.
ssize_t body_length(nghttp2_session*, std::uint8_t, std::int32_t id, std::int32_t session_window,
                    std::int32_t stream_window, std::uint32_t max_frame, void* self) noexcept {
    constexpr std::uint32_t most_buffered = 1U << 20;  // the library allocates a frame of the size we answer
    const std::int32_t window = std::max(1, std::min(session_window, stream_window));
    const auto most = std::min({static_cast<std::uint32_t>(window), max_frame, most_buffered});
    return guarded<ssize_t>(self, [&](connection& c) { return c.body_available(id, most); });
}

}  // namespace

lib::callbacks_ptr make_callbacks() {
    auto callbacks = lib::new_callbacks();
    auto* c = callbacks.get();
    nghttp2_session_callbacks_set_on_begin_frame_callback(c, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(c, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_error_callback2(c, on_error);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c, body_length);
    return callbacks;
}

nghttp2_data_provider make_body_reader() {
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    return provider;
}

}  // namespace etcdsync::http2
