// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace etcdsync::base {

/// A chain of XXH3 hashes, 64 bit (https://xxhash.com), each seeded with the one before. Detects accidental differences and is
/// stable across builds and versions. It does not resist deliberate collisions.
class digest {
public:
    void add(std::string_view bytes);  ///< ("a","bc") and ("ab","c") differ
    void add(std::uint64_t number);
    [[nodiscard]] std::uint64_t value() const { return state_; }
    [[nodiscard]] std::string hex() const;

private:
    std::uint64_t state_ = 0;
};

/// 16 lower-case digits.
[[nodiscard]] std::string digest_text(std::uint64_t value);

}  // namespace etcdsync::base
