// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/output.hpp"
#include "app/daemon/slave_result.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// The results of a one-shot command as text and JSON.
namespace etcdsync::app {

/// "unreachable": the `state` of JSON output.
[[nodiscard]] std::string_view to_string(outcome how);

/// Why the part is not in sync.
[[nodiscard]] std::string cause_of(const slave_result& of);

/// `edge-1: in sync at revision 123: 12 puts, 3 deletes`. Lines with the suggested commands follow.
[[nodiscard]] std::string result_line(const slave_result& of);

/// Writes the line of a part that is not in sync to stderr, too.
void warn_of(const slave_result& of, output& to);

/// One line per command: `edge-1: approve: etcd-sync -c FILE sync --approve --slave edge-1`.
[[nodiscard]] std::string suggestion_lines(std::string_view name, const replication::suggestions& next);

/// Adds the commands as "preview", "approve" and "check".
void put_suggestions(boost::json::object& to, const replication::suggestions& next);

/// `; 5 keys only on the slave kept`; empty if there are none.
[[nodiscard]] std::string kept_text(std::uint64_t keys);

/// All slaves in one object, on one line.
[[nodiscard]] std::string result_json(const sync_result& all, exit_code code);

}  // namespace etcdsync::app
