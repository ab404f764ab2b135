// SPDX-License-Identifier: Apache-2.0
#include "replication/master/watch_pauses.hpp"

#include <algorithm>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::milliseconds first_pause{250};

/// A watch that was open for longer counts as a success.
constexpr std::chrono::seconds stable_after{30};

}  // namespace

watch_pauses::watch_pauses(std::chrono::milliseconds longest)
    : after_failures_(first_pause, longest), after_violations_(first_pause, longest) {}

std::chrono::milliseconds watch_pauses::next(etcd::error_class failure, base::random_source& random) {
    const auto pause = after_failures_.next(random);
    if (failure != etcd::error_class::watch_violation) return pause;
    return std::max(pause, after_violations_.next(random));
}

bool watch_pauses::received(bool progressed, aio::clock::duration age) {
    const bool stable = age > stable_after;
    if (stable) after_violations_.reset();
    if (stable || progressed) after_failures_.reset();
    return stable || progressed;
}

}  // namespace etcdsync::replication
