// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"

#include <string>

namespace etcdsync::app {

/// The output of a command that only prints something.
struct answer {
    exit_code code = exit_code::ok;
    std::string out = {};       ///< stdout: the result, nothing else
    std::string err = {};       ///< stderr: complaints
    std::string warnings = {};  ///< stderr too: complaints that are a part of `out`
};

}  // namespace etcdsync::app
