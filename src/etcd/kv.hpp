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

/// A Range. Empty `range_end`: the one key; "\0": to the last key (etcd-wire.md section 5).
struct range_query {
    std::string key;
    std::string range_end;
    std::int64_t limit = 0;
    revision at = 0;            ///< 0: now
    bool serializable = false;  ///< only ever right at a pinned revision
    bool keys_only = false;
    bool count_only = false;
    bool newest_first = false;  ///< by mod_revision, not by key: for a limit of 1
    /// Stop reading when about this much came: the page then holds the whole keys up to there, and `more`.
    std::size_t byte_budget = net::call::whole;
    /// Without a byte budget: a larger answer is an error.
    std::size_t max_answer = net::default_max_message;
};

/// The KV service on one connection. Reads are checked before they are given out: keys inside the range, in order, no
/// more than asked for, and `more` only with keys. Every call ends by `timeout` at the latest; one whose token was refused is tried
/// again with another.
class kv {
public:
    kv(std::shared_ptr<net::channel> on, aio::clock& clock, aio::clock::duration timeout)
        : channel_(std::move(on)), clock_(&clock), timeout_(timeout) {}

    aio::awaitable<result<range_page>> range(range_query query);

    /// Sends what `encode_framed` makes (encode_guarded_txn()): twice where our token was refused, as nothing was done then. An error
    /// of class `ambiguous` says that it may have been applied.
    aio::awaitable<result<txn_response>> txn(const std::function<std::string()>& encode_framed);

    [[nodiscard]] const std::shared_ptr<net::channel>& on() const { return channel_; }
    [[nodiscard]] bool usable() const { return channel_->usable(); }
    [[nodiscard]] std::string why_unusable() const { return channel_->why_unusable(); }
    [[nodiscard]] const net::endpoint& peer() const { return channel_->peer(); }
    void close() { channel_->close(); }

private:
    aio::awaitable<result<range_page>> ask(range_query query);
    aio::awaitable<result<txn_response>> txn(std::string framed);

    std::shared_ptr<net::channel> channel_;
    aio::clock* clock_;
    aio::clock::duration timeout_;
};

/// What is wrong with a page as the answer to `query`; empty: nothing.
[[nodiscard]] std::string check_page(const range_query& query, const range_page& page);

}  // namespace etcdsync::etcd
