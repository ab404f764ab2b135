// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/session.hpp"

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string_view>

/// RAII and plain conversions for the C API of nghttp2.
namespace etcdsync::http2::lib {

struct deleter {
    void operator()(nghttp2_session* p) const noexcept { nghttp2_session_del(p); }
    void operator()(nghttp2_session_callbacks* p) const noexcept { nghttp2_session_callbacks_del(p); }
    void operator()(nghttp2_option* p) const noexcept { nghttp2_option_del(p); }
};

using session_ptr = std::unique_ptr<nghttp2_session, deleter>;
using callbacks_ptr = std::unique_ptr<nghttp2_session_callbacks, deleter>;
using option_ptr = std::unique_ptr<nghttp2_option, deleter>;

/// Throws bad_alloc if a call failed; for calls that only fail when memory is short.
inline void check_memory(int rv) {
    if (rv != 0) throw std::bad_alloc();
}

inline callbacks_ptr new_callbacks() {
    nghttp2_session_callbacks* raw = nullptr;
    check_memory(nghttp2_session_callbacks_new(&raw));
    return callbacks_ptr(raw);
}

inline option_ptr new_option() {
    nghttp2_option* raw = nullptr;
    check_memory(nghttp2_option_new(&raw));
    return option_ptr(raw);
}

inline const std::uint8_t* bytes(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
    return size == 0 ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data), size);
}

inline std::string_view text(int library_error) { return nghttp2_strerror(library_error); }

/// A header in the form nghttp2 takes. nghttp2 copies names and values when they are submitted and
/// never writes through the pointers.
inline nghttp2_nv name_value(const header_view& h) {
    const std::uint8_t flags = h.sensitive ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    return {const_cast<std::uint8_t*>(bytes(h.name)), const_cast<std::uint8_t*>(bytes(h.value)), h.name.size(),
            h.value.size(), flags};
}

}  // namespace etcdsync::http2::lib
