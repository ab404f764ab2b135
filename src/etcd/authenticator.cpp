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

constexpr std::size_t longest_token = 8U << 10;

/// One who asks, others who wait for what comes of it.
class asking {
public:
    asking(bool& flag, aio::event& over) : flag_(&flag), over_(&over) { flag = true; }
    asking(const asking&) = delete;
    asking& operator=(const asking&) = delete;
    ~asking() {
        *flag_ = false;
        over_->notify();
    }

private:
    bool* flag_;
    aio::event* over_;
};

/// Adds the token to every call.
class authenticated_channel final : public net::channel {
public:
    authenticated_channel(std::shared_ptr<net::channel> on, std::shared_ptr<authenticator> by,
                          aio::clock::duration timeout)
        : on_(std::move(on)), by_(std::move(by)), timeout_(timeout) {}

    std::unique_ptr<net::call> open(std::string_view path, const net::call_options& options) override {
        if (by_->token().empty()) return on_->open(path, options);
        net::call_options with_token = options;
        with_token.metadata.push_back({"token", by_->token(), true});
        return on_->open(path, with_token);
    }
    [[nodiscard]] bool usable() const override { return on_->usable(); }
    [[nodiscard]] std::string why_unusable() const override { return on_->why_unusable(); }
    [[nodiscard]] const net::endpoint& peer() const override { return on_->peer(); }
    void on_broken(std::function<void()> handler) override { on_->on_broken(std::move(handler)); }
    void close() override { on_->close(); }
    [[nodiscard]] std::uint64_t access() const override { return by_->generation(); }
    aio::awaitable<bool> renew_access(std::uint64_t refused) override {
        const auto renewed = co_await by_->renew(*on_, refused, timeout_);
        co_return renewed.has_value();
    }

private:
    std::shared_ptr<net::channel> on_;
    std::shared_ptr<authenticator> by_;
    aio::clock::duration timeout_;
};

}  // namespace

bool is_token(std::string_view text) {
    return !text.empty() && text.size() <= longest_token &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

error authenticator::about_user(const error& why) const {
    return {why.cls, fmt::format("{} (user \"{}\")", why.text, base::printable(who_.user))};
}

aio::awaitable<result<std::string>> authenticator::authenticate(net::channel& on, aio::clock::duration timeout) {
    auto password = who_.read_password();
    refused_ = !password;
    if (!password) co_return error(error_class::denied, password.error().text);
    etcdserverpb::AuthenticateRequest request;
    request.set_name(who_.user);
    request.set_password(*password);
    std::string framed = grpc::frame(request.SerializeAsString());
    constexpr std::size_t largest_answer = 64U << 10;
    const net::call_options options = unary_options(clock_->now() + timeout, largest_answer);
    auto answer = co_await unary(on, "/etcdserverpb.Auth/Authenticate", std::move(framed), options);
    refused_ = !answer && is_login_refused(answer.error());
    // A cluster without users needs none; it is no error to be prepared for one that gets them.
    if (!answer && is_auth_disabled(answer.error())) co_return std::string();
    if (!answer) co_return answer.error();
    etcdserverpb::AuthenticateResponse response;
    if (!response.ParseFromString(*answer) || !is_token(response.token()))
        co_return error(error_class::bad_peer, on.peer().name() + ": the answer to Authenticate holds no usable token");
    co_return std::move(*response.mutable_token());
}

aio::awaitable<result<void>> authenticator::renew(net::channel& on, std::uint64_t refused,
                                                  aio::clock::duration timeout) {
    const auto deadline = clock_->now() + timeout;
    const std::uint64_t before = attempts_;
    while (asking_ && clock_->now() < deadline) co_await aio::wait_until(changed_, *clock_, deadline);
    if (generation_ != 0 && generation_ != refused) co_return result<void>();
    if (asking_) co_return error(error_class::retry, on.peer().name() + ": no token in time");
    // Many who ask with a wrong password one after the other would only load the cluster.
    if (attempts_ != before && last_failure_ && last_failure_->cls == error_class::denied) co_return *last_failure_;
    const asking now(asking_, changed_);
    generation_ = 0;
    auto fresh = co_await authenticate(on, timeout);
    ++attempts_;
    last_failure_.reset();
    if (!fresh) {
        last_failure_ = about_user(fresh.error());
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
                                                         std::shared_ptr<authenticator> by,
                                                         aio::clock::duration timeout) {
    return std::make_shared<authenticated_channel>(std::move(on), std::move(by), timeout);
}

}  // namespace etcdsync::etcd
