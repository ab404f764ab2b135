// SPDX-License-Identifier: Apache-2.0
#include "net/call_deadline.hpp"

#include <algorithm>
#include <chrono>

namespace etcdsync::net {
namespace {

aio::clock::duration longest(std::uint64_t size) {
    constexpr std::chrono::seconds least{60};
    constexpr std::uint64_t slowest = 256;  // bytes per second
    return least + std::chrono::seconds(size / slowest);
}

}  // namespace

bool call_deadline::has_progressed(const call_progress& progress) const {
    if (progress.received > seen_.received || progress.window_updates > seen_.window_updates) return true;
    if (seen_.request_taken) return false;                  // what the peer takes now belongs to others, or is a PING
    if (progress.request_taken && !checked_) return false;  // a small request is taken at once
    return progress.taken > seen_.taken;
}

std::optional<aio::clock::time_point> call_deadline::check(aio::clock::time_point now, const call_progress& progress) {
    if (has_progressed(progress)) last_progress_ = now;
    seen_ = progress;
    checked_ = true;
    const bool awaits_response = progress.request_taken && progress.received == 0;
    const auto patience = awaits_response ? patience_.answer : patience_.silence;
    const auto due = std::min(last_progress_ + patience, started_ + longest(progress.size));
    if (now >= due) return std::nullopt;
    return std::min(due, now + interval());
}

}  // namespace etcdsync::net
