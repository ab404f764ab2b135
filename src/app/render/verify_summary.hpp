// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace etcdsync::app {

/// The totals of `verify` and `sync --dry-run`.
struct verify_summary {
    std::size_t selected = 0;          ///< slaves to compare
    std::size_t compared = 0;          ///< slaves whose comparison was completed
    std::uint64_t differences = 0;     ///< before --repair
    std::uint64_t too_far_behind = 0;  ///< parts, before --repair
    std::uint64_t written = 0;         ///< keys, by --repair
    bool interrupted = false;          ///< by a signal
};

}  // namespace etcdsync::app
