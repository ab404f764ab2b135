// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "etcd/error.hpp"
#include "etcd/wire.hpp"
#include "net/channel.hpp"

#include <functional>
#include <memory>
#include <string>

namespace etcdsync::etcd {

/// A Range request. `range_end` is empty for one key, and "\0" for all keys from `key` on
/// (etcd-wire.md section 5).
struct range_query {
    std::string key;
    std::string range_end;
    std::int64_t limit = 0;
    revision at = 0;            ///< revision to read at; 0: the current one
    bool serializable = false;  ///< use it only with `at`
    bool keys_only = false;
    bool count_only = false;
    bool newest_first = false;  ///< sorted by mod_revision instead of key; for a limit of 1
    revision modified_at =
        0;  ///< only keys with this mod_revision; 0: all. Without a limit: etcd ignores it (etcd-wire.md)
    /// Bytes after which reading stops. The page then has the keys that were complete, and `more`.
    std::size_t byte_budget = net::call::whole;
    /// Bytes; without a byte budget, a larger response is an error.
    std::size_t max_response = net::default_max_message;
};

/// The KV service on one connection. Pages are checked before they are returned: keys inside the
/// range, in order, no more than requested, and `more` only with keys. Every call ends after
/// `timeout` at the latest. If the token of a call is refused, the call is repeated once with a new
/// token.
class kv {
public:
    kv(std::shared_ptr<net::channel> on, aio::clock& clock, aio::clock::duration timeout)
        : channel_(std::move(on)), clock_(&clock), timeout_(timeout) {}

    aio::awaitable<result<range_page>> range(range_query query);

    /// Sends the request that `encode_framed` returns (encode_guarded_txn()); called twice if our
    /// token is refused, because nothing was done then. After an error of class `ambiguous` the Txn
    /// may have been applied.
    aio::awaitable<result<txn_response>> txn(const std::function<std::string()>& encode_framed);

    [[nodiscard]] const std::shared_ptr<net::channel>& channel() const { return channel_; }
    [[nodiscard]] bool usable() const { return channel_->usable(); }
    [[nodiscard]] std::string why_unusable() const { return channel_->why_unusable(); }
    [[nodiscard]] const net::endpoint& peer() const { return channel_->peer(); }
    void close() { channel_->close(); }

private:
    aio::awaitable<result<range_page>> send_range(range_query query);
    aio::awaitable<result<txn_response>> send_txn(std::string framed);

    std::shared_ptr<net::channel> channel_;
    aio::clock* clock_;
    aio::clock::duration timeout_;
};

/// The first reason why `page` is not a valid response to `query`; empty if it is valid.
[[nodiscard]] std::string check_page(const range_query& query, const range_page& page);

}  // namespace etcdsync::etcd
