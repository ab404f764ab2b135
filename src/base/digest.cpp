// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <fmt/format.h>

#include <array>
#include <xxhash.h>

namespace etcdsync::base {

void digest::add(std::string_view bytes) { state_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), state_); }

void digest::add(std::uint64_t number) {
    std::array<char, 8> bytes{};  // little endian on every machine
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(number >> (8 * i));
    add(std::string_view(bytes.data(), bytes.size()));
}

std::string digest::hex() const { return digest_text(state_); }

std::string digest_text(std::uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace etcdsync::base
