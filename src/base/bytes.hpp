// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace etcdsync::base {

// Keys, values and wire bytes are `std::string` and `std::string_view`: any bytes, NULs included,
// in no encoding.

/// One received message, or the part of it that was parsed so far. Views into it are valid as long
/// as a copy of the pointer exists.
using shared_buffer = std::shared_ptr<const std::string>;

/// A number of bytes, written "512KiB" in the configuration.
struct byte_count {
    std::uint64_t value = 0;
    friend bool operator==(const byte_count&, const byte_count&) = default;
    friend auto operator<=>(const byte_count&, const byte_count&) = default;
};

}  // namespace etcdsync::base
