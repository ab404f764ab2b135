// SPDX-License-Identifier: Apache-2.0
#include "app/commands/secrets.hpp"

#include "base/escape.hpp"
#include "config/files/check_files.hpp"
#include "config/files/files.hpp"
#include "net/tls_client.hpp"
#include "observe/log.hpp"
#include "replication/setup/clusters.hpp"

#include <fmt/format.h>

namespace etcdsync::app {
namespace {

/// Variables are read here only; `config` does not know the environment.
void take_password(config::cluster& of, const config::cluster_places& places, const process_environment& around,
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

/// A check logs nothing.
class nowhere final : public observe::log_sink {
public:
    void write(observe::log_level, std::string_view, std::span<const observe::log_field>) override {}
};

/// Files that can be read may still hold no certificate, or a key that belongs to another one.
void check_certificates(const config::tls_settings& of, const config::cluster_places& places, config::complaints& out) {
    nowhere sink;
    const observe::logger log(sink, observe::log_level::error);
    net::tls_client client(replication::tls_options_for(of), log);
    const auto good = client.check();
    if (!good) return out.error(places.tls, fmt::format("tls of {}: {}", places.label, good.error().text));
    const std::string warning = client.certificate_warning();
    if (!warning.empty()) out.warning(places.cert, fmt::format("tls of {}: {}", places.label, warning));
}

void gather(config::cluster& of, const config::cluster_places& places, const process_environment& around,
            config::complaints& out) {
    take_password(of, places, around, out);
    const bool readable = config::check_files(of, places, out);
    if (readable && of.tls != config::tls_settings{}) check_certificates(of.tls, places, out);
}

}  // namespace

void gather_secrets(config::parse_result& loaded, const std::string& config_path, const process_environment& around) {
    config::config& value = *loaded.value;
    config::complaints out(std::move(loaded.diagnostics));
    config::locate_files(value, config_path, std::string(around.variable("CREDENTIALS_DIRECTORY")));
    gather(value.master, loaded.places.at(0), around, out);
    for (std::size_t i = 0; i < value.slaves.size(); ++i) gather(value.slaves[i], loaded.places.at(i + 1), around, out);
    if (out.has_error()) loaded.value.reset();
    loaded.diagnostics = out.take();
}

}  // namespace etcdsync::app
