// SPDX-License-Identifier: Apache-2.0
#include "support/http2_server.hpp"

#include "http2/nghttp2_adapters.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <utility>

namespace etcdsync::test {
namespace {

namespace lib = http2::lib;

void check(int rv) {
    if (rv != 0) throw std::runtime_error("test server: " + std::string(lib::text(rv)));
}

std::vector<nghttp2_nv> fields(const header_list& headers) {
    std::vector<nghttp2_nv> out;
    for (const auto& h : headers) out.push_back(lib::name_value({h.name, h.value}));
    return out;
}

std::uint64_t number(const std::uint8_t (&bytes)[8]) {
    std::uint64_t value = 0;
    for (const auto byte : bytes) value = value << 8U | byte;
    return value;
}

/// The response to one request, as far as it was not sent yet.
struct pending_response {
    std::string body;
    std::size_t offset = 0;
    bool ended = false;
    std::optional<header_list> trailers;
};

}  // namespace

std::string received_request::value(std::string_view name) const {
    for (const auto& h : headers) {
        if (h.name == name) return h.value;
    }
    return {};
}

struct http2_server::impl {
    explicit impl(http2_server& owner) : self(owner) {}

    http2_server& self;
    lib::session_ptr session;
    std::map<stream_id, received_request> requests;
    std::map<stream_id, pending_response> responses;
    std::vector<std::uint64_t> acknowledged;
    unsigned pings = 0;
    std::string out;
    std::string client_error;
    std::exception_ptr thrown;  ///< by a hook; feed() throws it again, because it cannot pass through C code

    static impl& of(void* p) { return *static_cast<impl*>(p); }

    template <class Hook, class... Args>
    void call(const Hook& hook, Args... args) {
        if (!hook || thrown) return;
        try {
            hook(args...);
        } catch (...) {
            thrown = std::current_exception();
        }
    }

    void frame(const nghttp2_frame& f);
    void drain();
    ssize_t read(stream_id id, char* to, std::size_t space, std::uint32_t& flags);
    void callbacks(nghttp2_session_callbacks* c);
};

void http2_server::impl::frame(const nghttp2_frame& f) {
    const stream_id id = f.hd.stream_id;
    if (f.hd.type == NGHTTP2_HEADERS) call(self.on_request, id);
    if (f.hd.type == NGHTTP2_RST_STREAM) {
        const auto code = static_cast<http2::error_code>(f.rst_stream.error_code);
        if (requests.contains(id)) requests[id].reset = code;
        call(self.on_reset, id, code);
    }
    if (f.hd.type == NGHTTP2_PING && (f.hd.flags & NGHTTP2_FLAG_ACK) == 0) ++pings;
    if (f.hd.type == NGHTTP2_PING && (f.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        acknowledged.push_back(number(f.ping.opaque_data));
    }
    const bool may_end = f.hd.type == NGHTTP2_HEADERS || f.hd.type == NGHTTP2_DATA;
    if (may_end && (f.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        requests[id].ended = true;
        call(self.on_end, id);
    }
}

ssize_t http2_server::impl::read(stream_id id, char* to, std::size_t space, std::uint32_t& flags) {
    auto& a = responses[id];
    const std::size_t size = std::min(space, a.body.size() - a.offset);
    a.body.copy(to, size, a.offset);
    a.offset += size;
    const bool empty = a.offset == a.body.size();
    if (empty && a.trailers) {
        flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        const auto nv = fields(*a.trailers);
        nghttp2_submit_trailer(session.get(), id, nv.data(), nv.size());
    } else if (empty && a.ended) {
        flags |= NGHTTP2_DATA_FLAG_EOF;
    } else if (size == 0) {
        return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(size);
}

void http2_server::impl::callbacks(nghttp2_session_callbacks* c) {
    nghttp2_session_callbacks_set_on_header_callback(
        c, [](nghttp2_session*, const nghttp2_frame* f, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* p) {
            of(p).requests[f->hd.stream_id].headers.push_back(
                {std::string(lib::view(name, name_size)), std::string(lib::view(value, value_size))});
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, [](nghttp2_session*, const nghttp2_frame* f, void* p) {
        of(p).frame(*f);
        return 0;
    });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        c, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* data, std::size_t size, void* p) {
            of(p).requests[id].body += lib::view(data, size);
            of(p).call(of(p).self.on_body, id, lib::view(data, size));
            return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        c, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* p) {
            of(p).requests[id].closed = true;
            return 0;
        });
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
        c, [](nghttp2_session*, const nghttp2_frame*, int error, void* p) {
            of(p).client_error = lib::text(error);
            return 0;
        });
}

void http2_server::impl::drain() {
    while (true) {
        const std::uint8_t* data = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session.get(), &data);
        if (size < 0) check(static_cast<int>(size));
        if (size == 0) return;
        out += lib::view(data, static_cast<std::size_t>(size));
    }
}

http2_server::http2_server(const http2_server_options& options) : impl_(std::make_unique<impl>(*this)) {
    const auto callbacks = lib::new_callbacks();
    impl_->callbacks(callbacks.get());
    const auto option = lib::new_option();
    nghttp2_option_set_no_auto_window_update(option.get(), options.manual_window ? 1 : 0);
    nghttp2_session* raw = nullptr;
    check(nghttp2_session_server_new2(&raw, callbacks.get(), impl_.get(), option.get()));
    impl_->session.reset(raw);
    const std::array<std::pair<std::uint16_t, std::uint32_t>, 3> first = {{
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.stream_window},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, options.max_frame_size},
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams},
    }};
    settings(first);
}

http2_server::~http2_server() = default;

void http2_server::feed(std::string_view bytes) {
    const ssize_t taken = nghttp2_session_mem_recv(impl_->session.get(), lib::bytes(bytes), bytes.size());
    if (impl_->thrown) std::rethrow_exception(std::exchange(impl_->thrown, nullptr));
    if (taken < 0) check(static_cast<int>(taken));
    if (!impl_->client_error.empty()) throw std::runtime_error("test server: the client sent " + impl_->client_error);
}

std::string http2_server::pull() {
    impl_->drain();
    return std::exchange(impl_->out, {});
}

const std::map<stream_id, received_request>& http2_server::requests() const { return impl_->requests; }
unsigned http2_server::pings() const { return impl_->pings; }
const received_request& http2_server::request(stream_id id) const { return impl_->requests.at(id); }

void http2_server::inform(stream_id id, const header_list& headers) {
    const auto nv = fields(headers);
    check(nghttp2_submit_headers(impl_->session.get(), NGHTTP2_FLAG_NONE, id, nullptr, nv.data(), nv.size(), nullptr));
}

void http2_server::respond(stream_id id, const header_list& headers, bool end_stream) {
    nghttp2_data_provider body{};
    body.read_callback = [](nghttp2_session*, std::int32_t stream, std::uint8_t* to, std::size_t space,
                            std::uint32_t* flags, nghttp2_data_source*,
                            void* p) { return impl::of(p).read(stream, reinterpret_cast<char*>(to), space, *flags); };
    const auto nv = fields(headers);
    check(nghttp2_submit_response(impl_->session.get(), id, nv.data(), nv.size(), end_stream ? nullptr : &body));
}

void http2_server::data(stream_id id, std::string_view bytes, bool end_stream) {
    auto& a = impl_->responses[id];
    a.body += bytes;
    a.ended = end_stream;
    nghttp2_session_resume_data(impl_->session.get(), id);
}

void http2_server::trailers(stream_id id, const header_list& headers) {
    impl_->responses[id].trailers = headers;
    nghttp2_session_resume_data(impl_->session.get(), id);
}

void http2_server::reset(stream_id id, http2::error_code code) {
    check(nghttp2_submit_rst_stream(impl_->session.get(), NGHTTP2_FLAG_NONE, id, static_cast<std::uint32_t>(code)));
}

void http2_server::goaway(stream_id last_id, http2::error_code code, std::string_view debug) {
    check(nghttp2_submit_goaway(impl_->session.get(), NGHTTP2_FLAG_NONE, last_id, static_cast<std::uint32_t>(code),
                                lib::bytes(debug), debug.size()));
}

void http2_server::ping(std::uint64_t opaque) {
    const std::string data =
        big_endian(static_cast<std::uint32_t>(opaque >> 32U)) + big_endian(static_cast<std::uint32_t>(opaque));
    check(nghttp2_submit_ping(impl_->session.get(), NGHTTP2_FLAG_NONE, lib::bytes(data)));
}

void http2_server::settings(std::span<const std::pair<std::uint16_t, std::uint32_t>> values) {
    std::vector<nghttp2_settings_entry> entries;
    for (const auto& [id, value] : values) entries.push_back({id, value});
    check(nghttp2_submit_settings(impl_->session.get(), NGHTTP2_FLAG_NONE, entries.data(), entries.size()));
}

void http2_server::consume(stream_id id, std::size_t count) {
    check(nghttp2_session_consume(impl_->session.get(), id, count));
}

void http2_server::inject(std::string_view bytes) {
    impl_->drain();
    impl_->out += bytes;
}

std::uint32_t http2_server::client_setting(std::uint16_t id) const {
    return nghttp2_session_get_remote_settings(impl_->session.get(), static_cast<nghttp2_settings_id>(id));
}

const std::vector<std::uint64_t>& http2_server::acknowledged() const { return impl_->acknowledged; }

std::int32_t http2_server::connection_window() const {
    return nghttp2_session_get_remote_window_size(impl_->session.get());
}

std::int32_t http2_server::stream_window(stream_id id) const {
    return nghttp2_session_get_stream_remote_window_size(impl_->session.get(), id);
}

std::string big_endian(std::uint32_t value) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
        out += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xffU);
    return out;
}

std::string raw_frame_header(std::size_t length, std::uint8_t type, std::uint8_t flags, stream_id id) {
    return big_endian(static_cast<std::uint32_t>(length)).substr(1) + static_cast<char>(type) +
           static_cast<char>(flags) + big_endian(static_cast<std::uint32_t>(id));
}

std::string raw_frame(std::uint8_t type, std::uint8_t flags, stream_id id, std::string_view payload) {
    return raw_frame_header(payload.size(), type, flags, id) + std::string(payload);
}

namespace {

/// A string literal without Huffman coding (RFC 7541 section 5.2), its length with a 7-bit prefix
/// (section 5.1).
std::string literal(std::string_view text) {
    std::string out;
    if (text.size() < 127) {
        out += static_cast<char>(text.size());
    } else {
        out += '\x7f';
        std::size_t rest = text.size() - 127;
        for (; rest >= 128; rest /= 128) out += static_cast<char>(rest % 128 + 128);
        out += static_cast<char>(rest);
    }
    return out += text;
}

}  // namespace

std::string raw_block(const header_list& headers) {
    std::string out;
    for (const auto& h : headers) out += '\0' + literal(h.name) + literal(h.value);
    return out;
}

}  // namespace etcdsync::test
