// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace etcdsync::base {

/// Keys, values and wire bytes are `std::string` / `std::string_view`: bytes, with NULs, in no encoding.

/// One received message (or the part parsed so far); views into it live as long as a copy of the pointer.
using shared_buffer = std::shared_ptr<const std::string>;

/// A number of bytes, as written in the configuration ("512KiB").
struct byte_count {
    std::uint64_t value = 0;
    friend bool operator==(const byte_count&, const byte_count&) = default;
    friend auto operator<=>(const byte_count&, const byte_count&) = default;
};

}  // namespace etcdsync::base
