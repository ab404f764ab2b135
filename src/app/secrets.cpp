// SPDX-License-Identifier: Apache-2.0
#include "app/secrets.hpp"

#include "base/escape.hpp"
#include "config/check_files.hpp"
#include "config/files.hpp"

#include <fmt/format.h>

namespace etcdsync::app {
namespace {

/// Variables are asked for here once; `config` does not know the environment.
void take_password(config::cluster& of, const config::cluster_places& places, const surroundings& around,
                   config::complaints& out) {
    config::auth_settings& auth = of.auth;
    if (auth.password_env.empty()) return;
    auth.password = around.variable(auth.password_env);
    if (!auth.password.empty()) return;
    const bool is_set = around.variables.contains(auth.password_env);
    out.error(places.password_env,
              fmt::format("\"password_env\" of {}: the environment variable {} is {}", places.label,
                          base::printable(auth.password_env), is_set ? "empty" : "not set"));
}

}  // namespace

void gather_secrets(config::outcome& loaded, const std::string& config_path, const surroundings& around) {
    config::config& value = *loaded.value;
    config::complaints out(std::move(loaded.diagnostics));
    config::locate_files(value, config_path, std::string(around.variable("CREDENTIALS_DIRECTORY")));
    take_password(value.master, loaded.places.at(0), around, out);
    for (std::size_t i = 0; i < value.slaves.size(); ++i)
        take_password(value.slaves[i], loaded.places.at(i + 1), around, out);
    config::check_files(value, loaded.places, out);
    if (out.has_error()) loaded.value.reset();
    loaded.diagnostics = out.take();
}

}  // namespace etcdsync::app
