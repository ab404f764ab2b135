// SPDX-License-Identifier: Apache-2.0
#include "load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace etcdsync::test {

load::load(std::uint16_t port, options how) : how_(std::move(how)), random_(how_.seed) {
    thread_ = std::thread([this, port] { write_until_stopped(port); });
}

load::~load() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
}

void load::stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    if (failure_) std::rethrow_exception(failure_);
}

void load::write_until_stopped(std::uint16_t port) {
    using clock = std::chrono::steady_clock;
    etcd_client client(port);
    client.log_in(how_.user, how_.password);
    auto next = clock::now();
    while (!stopping_) {
        try {
            write_one(client);
            ++written_;
        } catch (const std::runtime_error&) {
            if (!how_.may_fail) {
                failure_ = std::current_exception();
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        if (how_.per_second == 0) continue;
        next += std::chrono::nanoseconds(1'000'000'000LL / how_.per_second);
        if (next < clock::now() - std::chrono::milliseconds(100)) next = clock::now();  // no burst after a stall
        std::this_thread::sleep_until(next);
    }
}

std::string load::random_key(std::string_view prefix) { return fmt::format("{}{:04}", prefix, random_() % how_.keys); }

std::string load::random_value() { return fmt::format("{:0>{}}", random_(), how_.value_bytes); }

void load::write_one(etcd_client& to) {
    const std::string& prefix = how_.prefixes[random_() % how_.prefixes.size()];
    const auto kind = random_() % 100;
    if (kind < 65) {
        to.put(random_key(prefix), random_value());
    } else if (kind < 83) {
        to.del(random_key(prefix));
    } else if (kind < 85) {
        const std::string from = random_key(prefix);
        to.del(from, from + "~");
    } else {
        etcdserverpb::TxnRequest request;
        const std::size_t each = 1 + random_() % 8;
        for (const std::string& p : how_.prefixes) {
            const auto first = random_() % how_.keys;
            for (std::size_t i = 0; i < each; ++i) {
                const std::string key = fmt::format("{}{:04}", p, (first + i) % how_.keys);
                if (random_() % 3 == 0) {
                    add_delete(request, key);
                } else {
                    add_put(request, key, random_value());
                }
            }
        }
        to.txn(request);
    }
}

void fill(etcd_client& store, std::string_view prefix, unsigned count, unsigned value_bytes) {
    const unsigned per_txn = std::clamp(1'000'000U / (value_bytes + 1), 1U, 100U);
    for (unsigned i = 0; i < count;) {
        etcdserverpb::TxnRequest request;
        for (const unsigned end = std::min(count, i + per_txn); i < end; ++i) {
            add_put(request, fmt::format("{}{:06}", prefix, i), fmt::format("{:0>{}}", i, value_bytes));
        }
        store.txn(request);
    }
}

}  // namespace etcdsync::test
