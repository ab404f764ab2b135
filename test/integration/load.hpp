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

/// Random puts, deletes, range deletes and Txns over several rules, from a thread and a client of its own, until stopped.
class load {
public:
    struct options {
        std::vector<std::string> prefixes;
        unsigned keys = 100;      ///< under each prefix
        unsigned per_second = 0;  ///< revisions; 0: as fast as the store takes them
        unsigned value_bytes = 40;
        unsigned seed = 1;
        std::string user = {};  ///< with `password`, where the store has users
        std::string password = {};
        bool may_fail = false;  ///< the store goes away now and then: try again
    };
    load(std::uint16_t port, options how);
    ~load();
    load(const load&) = delete;

    /// Ends it and throws what went wrong in it.
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

/// `count` keys under `prefix`, many a Txn.
void fill(etcd_client& store, std::string_view prefix, unsigned count, unsigned value_bytes = 100);

}  // namespace etcdsync::test
