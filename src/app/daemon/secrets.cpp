// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/secrets.hpp"

#include "base/escape.hpp"
#include "config/files/check_files.hpp"
#include "config/files/files.hpp"
#include "net/tls_client.hpp"
#include "observe/log.hpp"
#include "replication/setup/clusters.hpp"

#include <fmt/format.h>

namespace etcdsync::app {
namespace {

/// What every step needs.
struct outside_check {
    const process_environment& around;
    const base::file_reader& files;
    config::complaints& out;

    void gather(config::cluster& of, const config::cluster_places& places) const;

private:
    void take_password(config::auth_settings& auth, const config::cluster_places& places) const;
    void check_certificates(const config::tls_settings& of, const config::cluster_places& places) const;
};

void outside_check::take_password(config::auth_settings& auth, const config::cluster_places& places) const {
    if (auth.password_env.empty()) return;
    auth.password = around.variable(auth.password_env);
    if (!auth.password.empty()) return;
    const bool is_set = around.variables.contains(auth.password_env);
    out.error(places.password_env,
              fmt::format("\"password_env\" of {}: the environment variable {} is {}", places.label,
                          base::printable(auth.password_env), is_set ? "empty" : "not set"));
}

/// Discards the log of a check: its result says everything.
class null_sink final : public observe::log_sink {
public:
    void write(observe::log_level, std::string_view, std::span<const observe::log_field>) override {}
};

/// Files that can be read may still contain no certificate, or a key that does not belong to it.
void outside_check::check_certificates(const config::tls_settings& of, const config::cluster_places& places) const {
    null_sink sink;
    const observe::logger log(sink, observe::log_level::error);
    net::tls_client client(replication::tls_options_for(of), files, log);
    const auto good = client.check();
    if (!good) return out.error(places.tls, fmt::format("tls of {}: {}", places.label, good.error().text));
    const std::string warning = client.certificate_warning();
    if (!warning.empty()) out.warning(places.cert, fmt::format("tls of {}: {}", places.label, warning));
}

void outside_check::gather(config::cluster& of, const config::cluster_places& places) const {
    take_password(of.auth, places);
    const bool readable = config::check_files(files, of, places, out);
    if (readable && of.tls != config::tls_settings{}) check_certificates(of.tls, places);
}

}  // namespace

void gather_secrets(config::parse_result& loaded, const std::string& config_path, const process_environment& around,
                    const base::file_reader& files) {
    config::config& value = *loaded.value;
    config::complaints out(std::move(loaded.diagnostics));
    config::locate_files(files, value, config_path, std::string(around.variable("CREDENTIALS_DIRECTORY")));
    const outside_check all{around, files, out};
    all.gather(value.master, loaded.places.at(0));
    for (std::size_t i = 0; i < value.slaves.size(); ++i) all.gather(value.slaves[i], loaded.places.at(i + 1));
    if (out.has_error()) loaded.value.reset();
    loaded.diagnostics = out.take();
}

}  // namespace etcdsync::app
