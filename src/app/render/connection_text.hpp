// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/connection_report.hpp"

#include <boost/json/object.hpp>

#include <string>

/// The findings of `check-config --connect` as text and JSON.
namespace etcdsync::app {

/// One line per endpoint and per rule, or per missing permission with the command that grants it. `bad_only` leaves out what is
/// good.
[[nodiscard]] std::string lines_of(const cluster_report& one, bool bad_only);

[[nodiscard]] boost::json::object json_of(const cluster_report& one);

}  // namespace etcdsync::app
