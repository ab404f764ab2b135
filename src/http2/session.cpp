// SPDX-License-Identifier: Apache-2.0
#include "http2/session.hpp"

#include "http2/connection.hpp"

namespace etcdsync::http2 {

struct session::impl : connection {
    using connection::connection;
};

session::session(events& sink, const session_options& options) : impl_(std::make_unique<impl>(sink, options)) {}
session::~session() = default;

base::result<void> session::feed(std::string_view bytes) { return impl_->feed(bytes); }
base::result<void> session::pull(std::string& out) { return impl_->pull(out); }
bool session::finished() const { return impl_->finished(); }

base::result<stream_id> session::submit_request(std::span<const header_view> headers) {
    return impl_->submit_request(headers);
}

void session::send(stream_id id, std::string bytes, bool end_stream) { impl_->send(id, std::move(bytes), end_stream); }
std::size_t session::queued(stream_id id) const { return impl_->queued(id); }
std::uint64_t session::window_updates() const { return impl_->window_updates(); }
void session::consume(stream_id id, std::size_t count) { impl_->consume(id, count); }
void session::reset(stream_id id, error_code code) { impl_->reset(id, code); }
void session::ping(std::uint64_t opaque) { impl_->ping(opaque); }
bool session::draining() const { return impl_->draining(); }
std::size_t session::open_streams() const { return impl_->open_streams(); }

}  // namespace etcdsync::http2
