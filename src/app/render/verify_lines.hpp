// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/render/verify_summary.hpp"
#include "replication/compare/inspection.hpp"
#include "replication/status/suggestions.hpp"

#include <string>
#include <string_view>

/// What `verify` and `sync --dry-run` find, as text.
namespace etcdsync::app {

/// `  * /a/limits  differs (12B -> 14B)`: what the slave has, and what it would get.
[[nodiscard]] std::string difference_line(const replication::difference& d);

/// `edge-1: 3 differences (the master has 41006 matching keys) at revision 123 of the master: 1 missing, 2 different`
/// Lines with the suggested commands follow.
[[nodiscard]] std::string report_line(std::string_view name, const replication::inspection_report& report,
                                      const replication::suggestions& next);

/// `2 of 2 slaves compared, 3 differences, nothing written`
[[nodiscard]] std::string summary_line(const verify_summary& all);

/// Why a comparison failed.
[[nodiscard]] std::string failure_text(const replication::inspection_report& report);

}  // namespace etcdsync::app
