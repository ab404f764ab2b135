// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace etcdsync::base {

/// True if `text` is well-formed UTF-8 without control characters, so that it can be printed as it
/// is.
[[nodiscard]] bool is_printable_utf8(std::string_view text);

/// `text` for a log line or terminal: control characters, backslashes and bytes that are not UTF-8
/// become \xNN, so no escape sequence of a peer reaches a terminal. At most `max_size` bytes of
/// `text` are used; "..." replaces the rest.
[[nodiscard]] std::string printable(std::string_view text, std::size_t max_size = 200);

/// Standard base64 with padding (RFC 4648 section 4).
[[nodiscard]] std::string base64_encode(std::string_view bytes);

/// Returns false if `text` is not standard base64 with padding; `out` is then unspecified.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);

}  // namespace etcdsync::base
