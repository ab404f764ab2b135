// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keys/key_range.hpp"

#include <string>
#include <string_view>

/// What an administrator has to type: pure.
namespace etcdsync::app {

/// One word of a POSIX shell or, where the bytes cannot be typed, of bash ($'\xff'). Precondition: no zero byte.
[[nodiscard]] std::string shell_word(std::string_view bytes);

/// The line that lets a role do `what` ("read", "readwrite") with these keys: `etcdctl role grant-permission ROLE read /app/ --prefix`.
/// A zero byte cannot be given to a command: there the line grants a little more, as little as can be said.
[[nodiscard]] std::string grant_line(std::string_view what, const keys::key_range& keys);

/// These keys in words: `keys under "/app/"`.
[[nodiscard]] std::string described(const keys::key_range& keys);

}  // namespace etcdsync::app
