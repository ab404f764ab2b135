// SPDX-License-Identifier: Apache-2.0
#include "app/process/standard_output.hpp"

#include <cstdio>

namespace etcdsync::app {

bool standard_output::write(std::string_view text) {
    clear_bar();
    if (!broken_ && std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) broken_ = true;
    return !broken_;
}

bool standard_output::flush() {
    if (!broken_ && std::fflush(stdout) != 0) broken_ = true;
    return !broken_;
}

void standard_output::complain(std::string_view lines) {
    clear_bar();
    std::fwrite(lines.data(), 1, lines.size(), stderr);
}

}  // namespace etcdsync::app
