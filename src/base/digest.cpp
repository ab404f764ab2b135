// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <fmt/format.h>

namespace etcdsync::base {

void digest::mix(unsigned char byte) {
    state_ ^= byte;
    state_ *= 0x100000001b3ULL;
}

void digest::add(std::string_view bytes) {
    add(std::uint64_t{bytes.size()});
    for (const char c : bytes) mix(static_cast<unsigned char>(c));
}

void digest::add(std::uint64_t number) {
    for (int i = 0; i < 8; ++i) mix(static_cast<unsigned char>(number >> (8 * i)));
}

std::string digest::hex() const { return fmt::format("{:016x}", state_); }

}  // namespace etcdsync::base
