// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/complaints.hpp"

#include <string>

namespace etcdsync::config {

/// The places of the settings of a cluster that name something outside the file, for later errors
/// about them.
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

}  // namespace etcdsync::config
