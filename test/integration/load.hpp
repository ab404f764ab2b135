// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"

#include <atomic>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace etcdsync::test {

/// Writes random puts, deletes, range deletes and Txns over several rules until it is stopped. Has its own thread and client.
class load {
public:
    struct options {
        std::vector<std::string> prefixes;
        unsigned keys = 100;      ///< under each prefix
        unsigned per_second = 0;  ///< revisions; 0: as many as possible
        unsigned value_bytes = 40;
        unsigned seed = 1;
        std::string user = {};  ///< with `password`, if authentication is enabled
        std::string password = {};
        bool may_fail = false;  ///< true: retry, because the store may be down
    };
    load(std::uint16_t port, options how);
    ~load();
    load(const load&) = delete;

    /// Stops the thread. Throws the exception that ended it, if any.
    void stop();
    /// Revisions written so far.
    [[nodiscard]] std::int64_t written() const { return written_; }

private:
    void write_until_stopped(std::uint16_t port);
    void write_one(etcd_client& to);
    std::string random_key(std::string_view prefix);
    std::string random_value();

    options how_;
    std::mt19937 random_;
    std::atomic<std::int64_t> written_{0};
    std::atomic<bool> stopping_{false};
    std::exception_ptr failure_;
    std::thread thread_;
};

/// Writes `count` keys under `prefix`, with many keys per Txn.
void fill(etcd_client& store, std::string_view prefix, unsigned count, unsigned value_bytes = 100);

}  // namespace etcdsync::test
