// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace etcdsync::base {

/// True where `text` is well-formed UTF-8 without control characters: it may be printed as it is.
[[nodiscard]] bool is_printable_utf8(std::string_view text);

/// `text` for a log line or terminal: control characters, backslashes and bytes that are not UTF-8 become
/// \xNN, and what is longer than `most` bytes ends in "...". Never emits an escape sequence of the sender's.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most = 200);

/// Standard base64 with padding (RFC 4648 section 4).
[[nodiscard]] std::string base64_encode(std::string_view bytes);

/// False (and `out` unspecified) where `text` is not standard base64 with padding.
[[nodiscard]] bool base64_decode(std::string_view text, std::string& out);

}  // namespace etcdsync::base
