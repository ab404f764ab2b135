// SPDX-License-Identifier: Apache-2.0
// load-keys PORT PREFIX COUNT SIZE fills an etcd quickly, for scripts/bench.
#include "support/etcd_client.hpp"

#include <fmt/format.h>

#include <cstdlib>

int main(int argc, char** argv) {
    if (argc != 5) {
        fmt::print(stderr, "usage: load-keys PORT PREFIX COUNT SIZE\n");
        return 64;
    }
    etcdsync::test::etcd_client client(static_cast<std::uint16_t>(std::atoi(argv[1])));
    const long count = std::atol(argv[3]);
    const auto size = static_cast<std::size_t>(std::atol(argv[4]));
    constexpr long puts_per_txn = 100;
    for (long i = 0; i < count;) {
        etcdserverpb::TxnRequest request;
        for (long n = 0; n < puts_per_txn && i < count; ++n, ++i) {
            std::string value = fmt::format("{}-", i);
            value.resize(size, 'v');
            etcdsync::test::add_put(request, fmt::format("{}{:09}", argv[2], i), value);
        }
        client.txn(request);
    }
}
