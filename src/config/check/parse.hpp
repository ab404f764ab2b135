// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/read/cluster_places.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace etcdsync::config {

/// What came of a configuration text. `value` is set exactly where no diagnostic is an error.
struct outcome {
    std::optional<config> value;
    std::vector<diagnostic> diagnostics;  ///< all of them, in the order of the file
    std::vector<cluster_places> places;   ///< with a value: of the master, then of each slave
};

/// Parses and validates. `text` is the whole file. Never throws; every error of the file is reported at once.
[[nodiscard]] outcome parse(std::string_view text);

}  // namespace etcdsync::config
