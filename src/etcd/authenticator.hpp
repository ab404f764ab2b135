// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"
#include "etcd/error.hpp"
#include "net/channel.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::etcd {

/// A user of a cluster. The password is read each time it is needed and never kept, because it may
/// change.
struct credentials {
    std::string user;
    std::function<base::result<std::string>()> read_password;
};

/// The token of one user of one cluster, shared by all connections to that cluster. etcd
/// invalidates tokens after some time, with each change of users and roles, and when a member
/// restarts (etcd-wire.md section 7). Then one call requests a new token, and the others wait for
/// it. If authentication is disabled in the cluster, there is no token until a call is refused
/// because it has none.
class authenticator {
public:
    authenticator(credentials user, aio::clock& clock, const aio::asio::any_io_executor& executor)
        : credentials_(std::move(user)), clock_(&clock), changed_(executor) {}

    /// The token that calls must carry; empty: none.
    [[nodiscard]] const std::string& token() const { return token_; }

    /// Changes with each new token, and when the cluster answers that no token is needed.
    [[nodiscard]] std::uint64_t generation() const { return generation_; }

    /// Replaces the token of generation `refused`, with a request over `on`; does nothing if it was
    /// replaced already. Calls that wait for a request in progress share its result. The error is
    /// of class `denied` if the cluster rejects user and password; the next log_in() tries again.
    aio::awaitable<result<void>> renew(net::channel& on, std::uint64_t refused, aio::clock::duration timeout);

    /// True if, at the last attempt, the cluster refused user and password, or the password could
    /// not be read.
    [[nodiscard]] bool refused() const { return refused_; }

    /// Requests a token, unless the cluster has answered such a request before.
    aio::awaitable<result<void>> log_in(net::channel& on, aio::clock::duration timeout);

private:
    aio::awaitable<result<std::string>> authenticate(net::channel& on, aio::clock::duration timeout);
    [[nodiscard]] error with_user_name(const error& cause) const;

    credentials credentials_;
    aio::clock* clock_;
    std::string token_;
    std::uint64_t generation_ = 0;  ///< 0: no answer of the cluster yet
    std::uint64_t last_generation_ = 0;
    bool refused_ = false;
    std::uint64_t attempts_ = 0;         ///< completed
    std::optional<error> last_failure_;  ///< of the last completed attempt
    bool requesting_ = false;            ///< a request for a token is in progress
    aio::event changed_;
};

/// Wraps `on` so that every call carries the token of `user`. Calls that began before a renewal
/// keep their token.
[[nodiscard]] std::shared_ptr<net::channel> make_authenticated_channel(std::shared_ptr<net::channel> on,
                                                                       std::shared_ptr<authenticator> user,
                                                                       aio::clock::duration timeout);

/// True if `text` can be sent as a header value: visible ASCII, and not longer than etcd accepts
/// (etcd-wire.md 1.2). A hostile peer could send line breaks, to inject other headers.
[[nodiscard]] bool is_token(std::string_view text);

}  // namespace etcdsync::etcd
