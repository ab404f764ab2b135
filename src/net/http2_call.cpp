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
        const std::string& why = connection_->why();
        state_.finish(grpc::status(connection_->broken_as(), why.empty() ? "the connection is closed" : why,
                                   grpc::origin::connection, true));
        return;
    }
    if (options.deadline) {
        deadline_.emplace(connection_->clock(), *options.deadline, [this] {
            give_up(grpc::status(grpc::code::deadline_exceeded,
                                 fmt::format("{}: no answer in time", connection_->peer().name()),
                                 grpc::origin::deadline));
        });
    }
}

http2_call::~http2_call() {
    if (id_) {
        connection_->forget(*id_);
        connection_->reset(*id_, http2::error_code::cancel);
        connection_->consume(*id_, owed_);
    }
}

void http2_call::send(std::string framed, bool last) {
    if (id_) connection_->send(*id_, std::move(framed), last);
}

aio::awaitable<call::progress> http2_call::receive(std::size_t enough) {
    wanted_ = enough;
    if (messages_.empty() && current_.size() < wanted_) pay(owed_);
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
        give_up(grpc::status(grpc::code::cancelled, "the rest of the message was not wanted", grpc::origin::local));
        return part;
    }
    std::string message = std::move(messages_.front());
    messages_.pop_front();
    pay(messages_.empty() ? owed_ : std::min(owed_, message.size() + grpc::prefix_size));
    return message;
}

std::string http2_call::take_part() {
    pay(owed_);
    return std::exchange(current_, {});
}

void http2_call::pay(std::size_t credit) {
    owed_ -= credit;
    if (id_ && credit > 0) connection_->consume(*id_, credit);
}

void http2_call::cancel() { give_up(grpc::status(grpc::code::cancelled, "cancelled by us", grpc::origin::local)); }

const grpc::status& http2_call::status() const {
    BOOST_ASSERT(state_.final_status());
    return *state_.final_status();
}

void http2_call::on_headers(const std::vector<http2::header>& headers, bool end_stream) {
    state_.on_headers(headers, end_stream);
    ready_.notify();
}

void http2_call::on_data(std::string_view bytes) {
    const bool wanted_now = messages_.empty() && current_.size() < wanted_;
    state_.on_data(bytes, *this);
    if (wanted_now) {
        connection_->consume(*id_, bytes.size());
    } else {
        owed_ += bytes.size();
    }
    if (state_.final_status()) connection_->reset(*id_, http2::error_code::cancel);  // what came was no gRPC
    ready_.notify();
}

void http2_call::on_close(http2::error_code code, bool unprocessed) {
    connection_->consume(*id_, std::exchange(owed_, 0));
    id_.reset();
    deadline_.reset();
    // A server of Go's http package ends the streams that are left in order, but without a status.
    if (connection_->shutting_down() && !unprocessed && code == http2::error_code::no_error)
        state_.finish(grpc::status(grpc::code::unavailable, connection_->why(), grpc::origin::connection));
    state_.on_close(code, unprocessed);
    ready_.notify();
}

void http2_call::on_broken(bool unprocessed) {
    id_.reset();
    deadline_.reset();
    state_.finish(grpc::status(connection_->broken_as(), connection_->why(), grpc::origin::connection, unprocessed));
    ready_.notify();
}

void http2_call::on_message_begin(std::size_t size) {
    current_.clear();
    current_.reserve(std::min(size, expected_message_));
}

void http2_call::on_message_bytes(std::string_view bytes) { current_.append(bytes); }

void http2_call::on_message_end() { messages_.push_back(std::exchange(current_, {})); }

void http2_call::give_up(grpc::status why) {
    state_.finish(std::move(why));
    if (id_) connection_->reset(*id_, http2::error_code::cancel);
    ready_.notify();
}

}  // namespace etcdsync::net
