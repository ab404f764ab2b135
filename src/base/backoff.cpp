// SPDX-License-Identifier: Apache-2.0
#include "base/backoff.hpp"

#include <algorithm>

namespace etcdsync::base {

backoff::duration backoff::next(random_source& random) {
    const unsigned doublings = std::min(attempts_, 20U);
    ++attempts_;
    const auto full = std::min(longest_, initial_ * (duration::rep{1} << doublings));
    const double share = 1.0 - 0.2 * random.unit();
    const auto pause = static_cast<duration::rep>(static_cast<double>(full.count()) * share);
    return std::max(duration(pause), duration(1));
}

}  // namespace etcdsync::base
