// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/session.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace etcdsync::http2 {

/// The header block being received. Blocks never interleave (RFC 9113 section 4.3), so one per
/// connection is enough.
class header_block {
public:
    header_block(std::size_t max_bytes, std::size_t max_fields) : max_bytes_(max_bytes), max_fields_(max_fields) {}

    void clear();

    /// Adds a field. False if it would exceed a limit; then nothing is copied. (HPACK can turn a
    /// few bytes on the wire into many.)
    [[nodiscard]] bool add(std::string_view name, std::string_view value);

    /// True for a 1xx response (RFC 9110 section 15.2).
    [[nodiscard]] bool informational() const;

    [[nodiscard]] const std::vector<header>& fields() const { return fields_; }

private:
    std::size_t max_bytes_;
    std::size_t max_fields_;
    std::size_t used_ = 0;
    std::vector<header> fields_;
};

}  // namespace etcdsync::http2
