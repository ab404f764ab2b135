// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/process_environment.hpp"

#include <algorithm>
#include <array>

namespace etcdsync::app {
namespace {

constexpr std::array<std::string_view, 3> known{"ETCDSYNC_ADMIN", "ETCDSYNC_CONFIG", "ETCDSYNC_LOG_LEVEL"};

}  // namespace

std::string_view process_environment::variable(std::string_view name) const {
    const auto place = variables.find(name);
    return place == variables.end() ? std::string_view() : std::string_view(place->second);
}

std::vector<std::string> unknown_variables(const process_environment& around) {
    std::vector<std::string> names;
    for (const auto& [name, value] : around.variables) {
        const bool ours = name.starts_with("ETCDSYNC_");
        if (ours && std::find(known.begin(), known.end(), name) == known.end()) names.push_back(name);
    }
    return names;
}

}  // namespace etcdsync::app
