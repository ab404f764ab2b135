// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/slave_result.hpp"
#include "app/render/verify_summary.hpp"
#include "replication/compare/inspection.hpp"

#include <boost/json/object.hpp>

/// What `verify` and `sync --dry-run` find, as JSON (doc/json.md).
namespace etcdsync::app {

[[nodiscard]] boost::json::object difference_object(const replication::difference& d);
/// `next`: what to do about it.
[[nodiscard]] boost::json::object report_object(const replication::inspection_report& report,
                                                const replication::suggestions& next);
/// What --repair did on one slave, or one rule of it.
[[nodiscard]] boost::json::object repair_object(const slave_result& of);
[[nodiscard]] boost::json::object summary_object(const verify_summary& all, exit_code code);

}  // namespace etcdsync::app
