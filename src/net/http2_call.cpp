// SPDX-License-Identifier: Apache-2.0
#include "net/http2_call.hpp"

#include <boost/assert.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::net {

http2_call::http2_call(std::shared_ptr<connection> owner, const aio::asio::any_io_executor& executor,
                       std::string_view path, const call_options& options)
    : connection_(std::move(owner)), expected_message_(options.expected_message), state_(options.max_message),
      ready_(executor) {
    id_ = connection_->open(*this, path, options);
    if (!id_) {
        const std::string& reason = connection_->reason();
        state_.finish(grpc::status(connection_->failure_code(), reason.empty() ? "the connection is closed" : reason,
                                   grpc::origin::connection, true));
        return;
    }
    patience_ = options.patience;
}

http2_call::~http2_call() {
    if (id_) {
        connection_->forget(*id_);
        connection_->reset(*id_, http2::error_code::cancel);
        connection_->consume(*id_, unreleased_);
    }
}

void http2_call::send(std::string framed, bool last) {
    if (!id_) return;
    sent_ += framed.size();
    connection_->send(*id_, std::move(framed), last);
    if (!patience_ || deadline_) return;
    deadline_.emplace(*patience_, connection_->clock().now(), progress());
    check_timer_.emplace(connection_->clock(), deadline_->first_check(), [this] { check_deadline(); });
}

aio::awaitable<call::progress> http2_call::receive(std::size_t enough) {
    wanted_ = enough;
    if (messages_.empty() && current_.size() < wanted_) release_window(unreleased_);
    for (;;) {
        if (!messages_.empty()) co_return progress::message;
        if (state_.final_status()) co_return progress::ended;
        if (current_.size() >= enough) co_return progress::partial;
        co_await ready_.wait();
    }
}

std::string http2_call::take() {
    if (messages_.empty()) {
        std::string part = std::exchange(current_, {});
        abort(grpc::status(grpc::code::cancelled, "the rest of the message is not needed", grpc::origin::local));
        return part;
    }
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    release_window(messages_.empty() ? unreleased_ : std::min(unreleased_, message.size() + grpc::prefix_size));
    return message;
}

std::string http2_call::take_part() {
    release_window(unreleased_);
    return std::exchange(current_, {});
}

call_progress http2_call::progress() {
    call_progress out;
    out.size = sent_ + received_;
    out.taken = connection_->taken();
    if (!request_end_ && connection_->queued(*id_) == 0) request_end_ = connection_->written();
    out.request_taken = request_end_ && out.taken >= *request_end_;
    out.window_updates = connection_->window_updates();
    out.received = received_;
    return out;
}

void http2_call::check_deadline() {
    check_timer_.reset();
    if (!id_) return;
    const auto next = deadline_->check(connection_->clock().now(), progress());
    if (next) {
        check_timer_.emplace(connection_->clock(), *next, [this] { check_deadline(); });
        return;
    }
    abort(grpc::status(grpc::code::deadline_exceeded, fmt::format("{}: no answer in time", connection_->peer().name()),
                       grpc::origin::deadline));
}

void http2_call::release_window(std::size_t count) {
    unreleased_ -= count;
    if (id_ && count > 0) connection_->consume(*id_, count);
}

void http2_call::cancel() { abort(grpc::status(grpc::code::cancelled, "canceled by us", grpc::origin::local)); }

const grpc::status& http2_call::status() const {
    BOOST_ASSERT(state_.final_status());
    return *state_.final_status();
}

void http2_call::on_headers(const std::vector<http2::header>& headers, bool end_stream) {
    state_.on_headers(headers, end_stream);
    ready_.notify();
}

void http2_call::on_data(std::string_view bytes) {
    received_ += bytes.size();
    const bool awaited = messages_.empty() && current_.size() < wanted_;
    state_.on_data(bytes, *this);
    if (awaited) {
        connection_->consume(*id_, bytes.size());
    } else {
        unreleased_ += bytes.size();
    }
    if (state_.final_status()) connection_->reset(*id_, http2::error_code::cancel);  // what arrived was not gRPC
    ready_.notify();
}

void http2_call::on_close(http2::error_code code, bool unprocessed) {
    connection_->consume(*id_, std::exchange(unreleased_, 0));
    id_.reset();
    check_timer_.reset();
    // A server of Go's http package ends open streams without an error, but also without a status.
    if (connection_->shutting_down() && !unprocessed && code == http2::error_code::no_error)
        state_.finish(grpc::status(grpc::code::unavailable, connection_->reason(), grpc::origin::connection));
    state_.on_close(code, unprocessed);
    ready_.notify();
}

void http2_call::on_broken(bool unprocessed) {
    id_.reset();
    check_timer_.reset();
    state_.finish(
        grpc::status(connection_->failure_code(), connection_->reason(), grpc::origin::connection, unprocessed));
    ready_.notify();
}

void http2_call::on_message_begin(std::size_t size) {
    current_.clear();
    current_.reserve(std::min(size, expected_message_));
}

void http2_call::on_message_bytes(std::string_view bytes) { current_.append(bytes); }

void http2_call::on_message_end() { messages_.push_back(std::exchange(current_, {})); }

void http2_call::abort(grpc::status why) {
    state_.finish(std::move(why));
    if (id_) connection_->reset(*id_, http2::error_code::cancel);
    ready_.notify();
}

}  // namespace etcdsync::net
