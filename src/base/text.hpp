// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace etcdsync::base {

/// "250ms" "10s" "5m" "1h"; nothing if the text is not a whole number followed by a unit.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "512KiB" "16MiB" "1GiB" "100B"; nothing if the text is not a whole number followed by a unit.
[[nodiscard]] std::optional<std::uint64_t> parse_byte_count(std::string_view text);

/// "3.1MiB".
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);

/// "250ms", "2.5s", "12s", "2m05s", "2h05m", "3d4h": two units at most.
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

/// 2026-01-02T03:04:05Z (RFC 3339, UTC, whole seconds).
[[nodiscard]] std::string format_time(std::chrono::system_clock::time_point time);

/// The candidate nearest to `word` by edit distance, for "did you mean"; empty if none is near.
[[nodiscard]] std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace etcdsync::base
