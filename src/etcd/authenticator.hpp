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

/// A user of a cluster. The password is read when it is needed and not kept: it may have been changed.
struct credentials {
    std::string user;
    std::function<base::result<std::string>()> read_password;
};

/// The token of one user of one cluster, shared by all connections to that cluster. etcd forgets tokens by time, with each change
/// of users and roles, and when a member starts anew (etcd-wire.md section 7); then one call gets a new one, and the others wait
/// for it. Where the cluster says that authentication is off, there is no token until a call is refused for want of one.
class authenticator {
public:
    authenticator(credentials who, aio::clock& clock, const aio::asio::any_io_executor& executor)
        : who_(std::move(who)), clock_(&clock), changed_(executor) {}

    /// What calls are to carry; empty: nothing.
    [[nodiscard]] const std::string& token() const { return token_; }

    /// Another number for each token (or none in its place).
    [[nodiscard]] std::uint64_t generation() const { return generation_; }

    /// Something in place of the token of generation `refused`, asked for over `on`; nothing is asked where that happened
    /// already. Who waits meanwhile shares what comes of it. Of class `denied` where the cluster does not take user and password: then log_in() asks again.
    aio::awaitable<result<void>> renew(net::channel& on, std::uint64_t refused, aio::clock::duration timeout);

    /// The last time a token was asked for the cluster did not take user and password, or the password could not be read.
    [[nodiscard]] bool refused() const { return refused_; }

    /// Makes sure that the cluster was asked for a token.
    aio::awaitable<result<void>> log_in(net::channel& on, aio::clock::duration timeout);

private:
    aio::awaitable<result<std::string>> authenticate(net::channel& on, aio::clock::duration timeout);
    [[nodiscard]] error about_user(const error& why) const;

    credentials who_;
    aio::clock* clock_;
    std::string token_;
    std::uint64_t generation_ = 0;  ///< 0: the cluster was not asked, or did not answer
    std::uint64_t last_generation_ = 0;
    bool refused_ = false;
    std::uint64_t attempts_ = 0;         ///< that have ended
    std::optional<error> last_failure_;  ///< of the last of them
    bool asking_ = false;                ///< by some call, now
    aio::event changed_;
};

/// `on` with the token of `by` in every call. Calls that began before a renewal keep the token they began with.
[[nodiscard]] std::shared_ptr<net::channel> make_authenticated_channel(std::shared_ptr<net::channel> on,
                                                                       std::shared_ptr<authenticator> by,
                                                                       aio::clock::duration timeout);

/// Whether a token may be sent as the value of a header: visible ASCII, and not longer than etcd takes (etcd-wire.md 1.2). What
/// comes from a peer may hold line breaks to smuggle in other headers.
[[nodiscard]] bool is_token(std::string_view text);

}  // namespace etcdsync::etcd
