// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/complaints.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::config {

/// Where those settings of a cluster stand that name something outside of the file, for what comes out about it later.
struct cluster_places {
    std::string label;  ///< `[master]`, `slave "edge-1"`
    place tls;          ///< the table
    place ca;
    place cert;
    place key;
    place password_file;
    place password_env;
    place password;
};

/// What came of a configuration text. `value` is set exactly where no diagnostic is an error.
struct outcome {
    std::optional<config> value;
    std::vector<diagnostic> diagnostics;  ///< all of them, in the order of the file
    std::vector<cluster_places> places;   ///< with a value: of the master, then of each slave
};

/// Parses and validates. `text` is the whole file. Never throws; every error of the file is reported at once.
[[nodiscard]] outcome parse(std::string_view text);

/// Reads `path` and parses it. A file that can not be read is one diagnostic without a place.
/// On return `text` holds what was read, for render().
[[nodiscard]] outcome load(const std::string& path, std::string& text);

/// For people: `file:line:col: error: ...`, the source line, the caret line with the hint; one block a diagnostic.
[[nodiscard]] std::string render(const std::vector<diagnostic>& diagnostics, const std::string& path,
                                 std::string_view text);

}  // namespace etcdsync::config
