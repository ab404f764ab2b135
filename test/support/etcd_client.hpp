// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "aio/task_group.hpp"
#include "net/channel.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <rpc.pb.h>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

using key_map = std::map<std::string, std::string>;

/// One change in the history of a store.
struct change {
    bool is_put = true;
    std::string key;
    std::string value;
    std::int64_t revision = 0;
    std::int64_t version = 0;
};

/// A blocking etcd client for tests. It uses the generated protobuf classes, not the hand-written
/// codec of the daemon. Errors throw std::runtime_error. Not thread-safe.
class etcd_client {
public:
    explicit etcd_client(std::uint16_t port);
    ~etcd_client();
    etcd_client(const etcd_client&) = delete;

    /// Sends further requests as this user, or without a user if `user` is empty. Also works before
    /// authentication is enabled.
    void log_in(std::string user, std::string password);

    std::int64_t put(std::string_view key, std::string_view value);  ///< returns the revision
    std::int64_t del(std::string_view key, std::string_view range_end = {});
    std::int64_t txn(const etcdserverpb::TxnRequest& request);
    /// Puts `key_of(i)` for all i < `count`, one revision each, many at the same time in any order.
    /// Returns the last revision.
    std::int64_t put_many(unsigned count, const std::function<std::string(unsigned)>& key_of, std::string_view value);
    void compact(std::int64_t revision);

    /// All keys of [begin, end); end "\0" means no end.
    key_map range(std::string_view begin = std::string_view("\0", 1), std::string_view end = std::string_view("\0", 1));
    std::int64_t revision();

    /// All changes of [begin, end) from revision `from` to the current one, in order, including
    /// deletes.
    std::vector<change> history(std::int64_t from, std::string_view begin = std::string_view("\0", 1),
                                std::string_view end = std::string_view("\0", 1));

    /// True if the server answers. Does not throw.
    bool answers();

private:
    std::string unary(std::string_view path, const google::protobuf::MessageLite& request);
    std::string send_once(std::string_view path, const google::protobuf::MessageLite& request);
    void renew_token();
    [[nodiscard]] net::call_options call_options(std::chrono::seconds limit) const;
    aio::awaitable<> do_unary(std::string_view path, std::string framed, std::string& answer);
    aio::awaitable<> do_history(std::int64_t from, std::int64_t to, std::string begin, std::string end,
                                std::vector<change>& out);
    aio::awaitable<> do_put_many(unsigned count, const std::function<std::string(unsigned)>& key_of,
                                 std::string_view value);
    aio::awaitable<> connect();
    void run(aio::awaitable<> body);

    std::uint16_t port_;
    std::string user_;
    std::string password_;
    std::string token_;
    boost::asio::io_context io_{1};
    aio::system_clock clock_;
    aio::task_group tasks_;
    std::shared_ptr<net::channel> channel_;
};

/// Add an operation to a request for txn().
void add_put(etcdserverpb::TxnRequest& to, std::string_view key, std::string_view value);
void add_delete(etcdserverpb::TxnRequest& to, std::string_view key, std::string_view range_end = {});

}  // namespace etcdsync::test
