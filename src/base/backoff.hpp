// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/random.hpp"

#include <chrono>

namespace etcdsync::base {

/// Pauses between attempts: they double from `initial` to `longest`, and each is shortened at
/// random by up to a fifth, so that many daemons do not retry at the same time. Never zero, never
/// longer than `longest`.
class backoff {
public:
    using duration = std::chrono::milliseconds;

    backoff(duration initial, duration longest) : initial_(initial), longest_(longest) {}

    duration next(random_source& random);
    void reset() { attempts_ = 0; }
    [[nodiscard]] unsigned attempts() const { return attempts_; }

private:
    duration initial_;
    duration longest_;
    unsigned attempts_ = 0;
};

}  // namespace etcdsync::base
