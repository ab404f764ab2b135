// SPDX-License-Identifier: Apache-2.0
#include "etcd/authenticator.hpp"

#include "base/escape.hpp"
#include "etcd/unary.hpp"
#include "grpc/framing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <rpc.pb.h>
#include <utility>

namespace etcdsync::etcd {
namespace {

constexpr std::size_t max_token_size = 8U << 10;

/// Marks a request as in progress while it exists, and notifies the waiters at its end.
class request_scope {
public:
    request_scope(bool& in_progress, aio::event& ended) : in_progress_(&in_progress), ended_(&ended) {
        in_progress = true;
    }
    request_scope(const request_scope&) = delete;
    request_scope& operator=(const request_scope&) = delete;
    ~request_scope() {
        *in_progress_ = false;
        ended_->notify();
    }

private:
    bool* in_progress_;
    aio::event* ended_;
};

/// Adds the token to every call.
class authenticated_channel final : public net::channel {
public:
    authenticated_channel(std::shared_ptr<net::channel> on, std::shared_ptr<authenticator> user,
                          aio::clock::duration timeout)
        : channel_(std::move(on)), user_(std::move(user)), timeout_(timeout) {}

    std::unique_ptr<net::call> open(std::string_view path, const net::call_options& options) override {
        if (user_->token().empty()) return channel_->open(path, options);
        net::call_options with_token = options;
        with_token.metadata.push_back({"token", user_->token(), true});
        return channel_->open(path, with_token);
    }
    [[nodiscard]] bool usable() const override { return channel_->usable(); }
    [[nodiscard]] std::string why_unusable() const override { return channel_->why_unusable(); }
    [[nodiscard]] const net::endpoint& peer() const override { return channel_->peer(); }
    [[nodiscard]] aio::subscription on_broken(std::function<void()> listener) override {
        return channel_->on_broken(std::move(listener));
    }
    void close() override { channel_->close(); }
    [[nodiscard]] std::uint64_t credentials_generation() const override { return user_->generation(); }
    aio::awaitable<bool> renew_credentials(std::uint64_t refused) override {
        const auto renewed = co_await user_->renew(*channel_, refused, timeout_);
        co_return renewed.has_value();
    }

private:
    std::shared_ptr<net::channel> channel_;
    std::shared_ptr<authenticator> user_;
    aio::clock::duration timeout_;
};

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= max_token_size &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

error authenticator::with_user_name(const error& cause) const {
    return {cause.cls, fmt::format("{} (user \"{}\")", cause.text, base::printable(credentials_.user))};
}

aio::awaitable<result<std::string>> authenticator::authenticate(net::channel& on, aio::clock::duration timeout) {
    auto password = credentials_.read_password();
    refused_ = !password;
    if (!password) co_return error(error_class::denied, password.error().text);
    etcdserverpb::AuthenticateRequest request;
    request.set_name(credentials_.user);
    request.set_password(*password);
    std::string framed = grpc::frame(request.SerializeAsString());
    constexpr std::size_t max_response = 64U << 10;
    const net::call_options options = unary_options(timeout, max_response);
    auto answer = co_await unary(on, "/etcdserverpb.Auth/Authenticate", std::move(framed), options);
    refused_ = !answer && is_login_refused(answer.error());
    // A cluster without authentication needs no token. Not an error: it may be enabled later.
    if (!answer && is_auth_disabled(answer.error())) co_return std::string();
    if (!answer) co_return answer.error();
    etcdserverpb::AuthenticateResponse response;
    if (!response.ParseFromString(*answer) || !is_token(response.token()))
        co_return error(error_class::bad_peer,
                        on.peer().name() + ": the response to Authenticate holds no usable token");
    co_return std::move(*response.mutable_token());
}

aio::awaitable<result<void>> authenticator::renew(net::channel& on, std::uint64_t refused,
                                                  aio::clock::duration timeout) {
    const auto deadline = clock_->now() + timeout;
    const std::uint64_t before = attempts_;
    while (requesting_ && clock_->now() < deadline) co_await aio::wait_until(changed_, *clock_, deadline);
    if (generation_ != 0 && generation_ != refused) co_return result<void>();
    if (requesting_) co_return error(error_class::retry, on.peer().name() + ": timed out waiting for a token");
    // Many calls that try a wrong password one after the other would only load the cluster.
    if (attempts_ != before && last_failure_ && last_failure_->cls == error_class::denied) co_return *last_failure_;
    const request_scope now(requesting_, changed_);
    generation_ = 0;
    auto fresh = co_await authenticate(on, timeout);
    ++attempts_;
    last_failure_.reset();
    if (!fresh) {
        last_failure_ = with_user_name(fresh.error());
        co_return *last_failure_;
    }
    token_ = std::move(*fresh);
    generation_ = ++last_generation_;
    co_return result<void>();
}

aio::awaitable<result<void>> authenticator::log_in(net::channel& on, aio::clock::duration timeout) {
    if (generation_ != 0) co_return result<void>();
    co_return co_await renew(on, 0, timeout);
}

std::shared_ptr<net::channel> make_authenticated_channel(std::shared_ptr<net::channel> on,
                                                         std::shared_ptr<authenticator> user,
                                                         aio::clock::duration timeout) {
    return std::make_shared<authenticated_channel>(std::move(on), std::move(user), timeout);
}

}  // namespace etcdsync::etcd
