// SPDX-License-Identifier: Apache-2.0
#include "http2/callbacks.hpp"

#include "http2/connection.hpp"

#include <algorithm>
#include <exception>

namespace etcdsync::http2 {
namespace {

/// Runs a handler. An exception is kept in the connection and makes the library stop.
template <class Result, class Handler>
Result guarded(void* user_data, Handler&& handler) noexcept {
    auto& self = *static_cast<connection*>(user_data);
    if (self.has_exception()) return NGHTTP2_ERR_CALLBACK_FAILURE;
    try {
        return handler(self);
    } catch (...) {
        self.keep_exception(std::current_exception());
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
}

int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* header, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.on_begin_frame(*header); });
}

int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.on_begin_headers(frame->hd.stream_id); });
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) {
        return c.on_header(frame->hd.stream_id, lib::view(name, name_size), lib::view(value, value_size));
    });
}

int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.on_frame(*frame); });
}

int on_data_chunk(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size,
                  void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.on_data(id, lib::view(data, size)); });
}

int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.on_frame_sent(*frame), 0; });
}

/// Always returns 0: an error returned from here leaks memory before nghttp2 1.55.1
/// (CVE-2023-35945). If the handler threw, the next callback stops the library.
int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* self) noexcept {
    guarded<int>(self, [&](connection& c) { return c.on_stream_close(id, static_cast<error_code>(code)), 0; });
    return 0;
}

int on_error(nghttp2_session*, int, const char* text, std::size_t size, void* self) noexcept {
    return guarded<int>(self, [&](connection& c) { return c.on_error_text({text, size}), 0; });
}

ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t room, std::uint32_t* flags,
                  nghttp2_data_source*, void* self) noexcept {
    return guarded<ssize_t>(self,
                            [&](connection& c) { return c.read_body(id, reinterpret_cast<char*>(out), room, *flags); });
}

/// Limits the next DATA frame. Without this callback nghttp2 never sends more than 16 KiB per
/// frame, whatever the server allows.
ssize_t body_length(nghttp2_session*, std::uint8_t, std::int32_t id, std::int32_t session_window,
                    std::int32_t stream_window, std::uint32_t max_frame, void* self) noexcept {
    constexpr std::uint32_t max_buffered = 1U << 20;  // the library allocates a frame of the size we return
    const std::int32_t window = std::max(1, std::min(session_window, stream_window));
    const auto limit = std::min({static_cast<std::uint32_t>(window), max_frame, max_buffered});
    return guarded<ssize_t>(self, [&](connection& c) { return c.readable_body(id, limit); });
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
