// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace etcdsync::base {

/// FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/). Detects accidental differences and
/// is stable across builds and versions. It does not resist deliberate collisions.
class digest {
public:
    void add(std::string_view bytes);  ///< length first, so that ("a","bc") and ("ab","c") differ
    void add(std::uint64_t number);
    [[nodiscard]] std::uint64_t value() const { return state_; }
    [[nodiscard]] std::string hex() const;  ///< 16 lower-case digits

private:
    void mix(unsigned char byte);
    std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace etcdsync::base
