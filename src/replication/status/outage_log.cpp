// SPDX-License-Identifier: Apache-2.0
#include "replication/status/outage_log.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::chrono::seconds min_duration{3};
constexpr std::size_t max_logged = 8;

std::string without_numbers(std::string_view cause) {
    std::string out(cause);
    std::erase_if(out, [](char c) { return c >= '0' && c <= '9'; });
    return out;
}

}  // namespace

void outage_log::begin(std::string_view cause) {
    logged_.assign(1, without_numbers(cause));
    candidate_.clear();
}

bool outage_log::should_log(std::string_view cause, aio::clock::time_point now) {
    std::string plain = without_numbers(cause);
    if (logged_.size() >= max_logged || std::ranges::find(logged_, plain) != logged_.end()) {
        candidate_.clear();
        return false;
    }
    if (plain != candidate_) {
        candidate_ = std::move(plain);
        since_ = now;
        return false;
    }
    if (now - since_ < min_duration) return false;
    logged_.push_back(std::exchange(candidate_, {}));
    return true;
}

}  // namespace etcdsync::replication
