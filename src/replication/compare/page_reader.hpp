// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "etcd/cluster.hpp"
#include "etcd/kv.hpp"
#include "keys/key_range.hpp"
#include "replication/status/context.hpp"

#include <memory>
#include <string>

namespace etcdsync::replication {

/// Reads an interval of one etcd in pages, in key order, and reads the next page while the caller
/// works on the current one. Pages are sized by bytes: the server has no limit in bytes, so the
/// number of requested keys at most doubles per page. A page that does not arrive in time is
/// requested once more with a quarter of the keys.
class page_reader {
public:
    struct options {
        etcd::revision at = 0;  ///< 0: now
        bool keys_only = false;
        std::size_t page_bytes = 1U << 20;
        std::size_t first_page_bytes = 0;  ///< of the first page; 0: as the others
    };

    page_reader(etcd::kv& from, aio::task_group& tasks, keys::key_range range, const options& how);
    ~page_reader();
    page_reader(const page_reader&) = delete;

    /// Requests the first page, from `key` on, before next() is called for it.
    void begin(const std::string& key) { start_read(key); }

    /// The page that starts at `key`: first the range's first key, then the key after the last one
    /// of the page before.
    aio::awaitable<etcd::result<etcd::range_page>> next(const std::string& key);

private:
    /// A page that is being read ahead. Shared with its task, which may outlive the reader by one
    /// turn of the event loop.
    struct prefetch;
    static constexpr std::int64_t highest = std::int64_t{1} << 40;
    static aio::awaitable<> read_ahead(std::shared_ptr<prefetch> into);

    void start_read(const std::string& key);
    aio::awaitable<etcd::result<etcd::range_page>> finish();
    [[nodiscard]] bool may_help_to_shrink(const etcd::error& why) const;
    void shrink();
    [[nodiscard]] etcd::range_query query(const std::string& key) const;
    void learn(const etcd::range_page& page);

    etcd::kv* kv_;
    aio::task_group* tasks_;
    keys::key_range range_;
    options options_;
    std::int64_t limit_;           ///< number of keys of the next page
    std::int64_t most_ = highest;  ///< upper bound of limit_, lowered after a timeout
    bool first_ = true;
    std::shared_ptr<prefetch> prefetch_;
};

/// The windows of a connection over which pages are read.
[[nodiscard]] net::channel_options page_connection();

/// The bytes per page: the memory limit without the log, divided among the pages of all full syncs
/// that may run at once.
[[nodiscard]] std::size_t page_bytes(const config::replication& replicate);

}  // namespace etcdsync::replication
