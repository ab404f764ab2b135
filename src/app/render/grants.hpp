// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keys/key_range.hpp"

#include <string>
#include <string_view>

/// Commands that an administrator types to grant permissions. Pure.
namespace etcdsync::app {

/// One word of a POSIX shell, or of bash ($'\xff') if the bytes cannot be typed. Precondition: no zero byte.
[[nodiscard]] std::string shell_word(std::string_view bytes);

/// The line that lets a role do `what` ("read", "readwrite") with these keys: `etcdctl role grant-permission ROLE read /app/ --prefix`.
/// A command cannot take a zero byte: then the line grants slightly more, as little as possible.
[[nodiscard]] std::string grant_line(std::string_view what, const keys::key_range& keys);

/// These keys in words: `keys under "/app/"`.
[[nodiscard]] std::string described(const keys::key_range& keys);

}  // namespace etcdsync::app
