// SPDX-License-Identifier: Apache-2.0
#include "app/render/config_text.hpp"

#include "app/render/count.hpp"
#include "base/escape.hpp"
#include "config/toml/render.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {

std::string complaints_of(const loaded_config& loaded) {
    const auto is_error = [](const config::diagnostic& d) { return d.level == config::diagnostic::severity::error; };
    const auto errors = std::ranges::count_if(loaded.result.diagnostics, is_error);
    std::string out = config::render(loaded.result.diagnostics, loaded.path, loaded.text);
    if (errors > 0) out += count(static_cast<std::size_t>(errors), "error") + "\n";
    return out;
}

std::string unknown_variable_text(const std::string& name) {
    return fmt::format("etcd-sync: warning: unknown environment variable {}\n", base::printable(name));
}

}  // namespace etcdsync::app
