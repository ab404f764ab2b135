// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/read/cluster_places.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace etcdsync::config {

/// The result of parsing a configuration. `value` is set if and only if no diagnostic is an error.
struct parse_result {
    std::optional<config> value;
    std::vector<diagnostic> diagnostics;  ///< all of them, in the order of the file
    std::vector<cluster_places> places;   ///< if there is a value: of the master, then of each slave
};

/// Parses and validates. `text` is the whole file. Never throws; all errors of the file are reported at once.
[[nodiscard]] parse_result parse(std::string_view text);

}  // namespace etcdsync::config
