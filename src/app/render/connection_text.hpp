// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/connection_report.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <vector>

/// The findings of `check-config --connect` as text and JSON.
namespace etcdsync::app {

/// One line per endpoint and per rule, or per missing permission with the command that grants it. `bad_only` leaves out what is
/// good.
[[nodiscard]] std::string lines_of(const cluster_report& one, bool bad_only);

[[nodiscard]] boost::json::object json_of(const cluster_report& one);

/// Adds the members "master" and "slaves".
void add_connections(boost::json::object& to, const std::vector<cluster_report>& all);

}  // namespace etcdsync::app
