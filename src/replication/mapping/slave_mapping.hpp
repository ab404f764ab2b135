// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/mapping/mapping.hpp"

#include <memory>
#include <vector>

namespace etcdsync::replication {

/// The rules of `slave`, in the order of the configuration.
[[nodiscard]] std::vector<config::rule> rules_of(const config::config& settings, const config::slave& slave);

/// The same, compiled.
[[nodiscard]] std::shared_ptr<const rule_table> rule_table_for(const config::config& settings,
                                                               const config::slave& slave);

/// The mapping of all rules of `slave`.
[[nodiscard]] mapping mapping_for(const config::config& settings, const config::slave& slave);

}  // namespace etcdsync::replication
