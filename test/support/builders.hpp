// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/watch.hpp"
#include "etcd/wire.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

/// Builds responses of etcd. They are encoded and decoded again, so that their views point into one
/// buffer as in the daemon.
namespace etcdsync::test {

struct built_event {
    bool put = true;
    std::string key;
    std::string value;
    etcd::revision rev = 0;
    etcd::revision create = 0;  ///< 0: the same as `rev`
    std::int64_t version = 1;
};

[[nodiscard]] built_event put(std::string_view key, std::string_view value, etcd::revision rev);
[[nodiscard]] built_event del(std::string_view key, etcd::revision rev);

struct built_answer {
    std::vector<built_event> events;
    etcd::revision store_revision = 0;
    bool fragment = false;
    bool created = false;
    std::int64_t watch_id = 1;
};

[[nodiscard]] std::string encode(const built_answer& answer);
[[nodiscard]] etcd::watch_response decoded(const built_answer& answer);
[[nodiscard]] etcd::watch_message events_message(std::vector<built_event> events, etcd::revision store_revision,
                                                 bool fragment = false);
[[nodiscard]] etcd::watch_message progress_message(etcd::revision store_revision);

struct built_key {
    std::string key;
    std::string value;
    etcd::revision mod = 1;
};

[[nodiscard]] std::string encode_page(const std::vector<built_key>& kvs, bool more = false,
                                      etcd::revision store_revision = 100);
[[nodiscard]] etcd::range_page page(const std::vector<built_key>& kvs, bool more = false,
                                    etcd::revision store_revision = 100);

}  // namespace etcdsync::test
