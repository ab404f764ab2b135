// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/slave_result.hpp"
#include "replication/compare/inspection.hpp"

#include <cstddef>
#include <string>
#include <string_view>

/// What `verify` and `sync --dry-run` print. Every JSON line stands for itself: {"schema":1,"type":...}.
namespace etcdsync::app {

/// `  * /a/limits  differs (12B -> 14B)`: what the slave has, and what it would get.
[[nodiscard]] std::string difference_line(const replication::difference& d);
[[nodiscard]] std::string difference_json(const part& of, const replication::difference& d);

/// `edge-1: 3 differences (the master has 41006 matching keys) at revision 123: 1 missing, 1 different, 1 only on the slave`
[[nodiscard]] std::string report_line(std::string_view name, const replication::inspection_report& report);
[[nodiscard]] std::string report_json(const part& of, const replication::inspection_report& report);

/// The line of what --repair synced.
[[nodiscard]] std::string repair_json(const slave_result& of);

/// The last line.
struct verify_summary {
    std::size_t slaves = 0;
    std::size_t compared = 0;
    std::uint64_t changes = 0;
    std::uint64_t written = 0;  ///< keys, by --repair
};
[[nodiscard]] std::string summary_line(const verify_summary& all);
[[nodiscard]] std::string summary_json(const verify_summary& all, exit_code code);

}  // namespace etcdsync::app
