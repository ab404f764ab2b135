// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

/// Reads the tables `tls` and `auth` of a cluster.
namespace etcdsync::config {
namespace {

/// Reads a path, or a name that is looked up later (files.hpp).
std::optional<std::string> read_file_name(const toml::node& node, const value_context& in) {
    auto name = read_outside_name(node, in);
    if (!name || name->find('\0') == std::string::npos) return name;
    in.out.error(place_of(node), fmt::format("\"{}\" cannot be a file", base::printable(*name)),
                 "no file has a zero byte in its name");
    return std::nullopt;
}

/// Reads a name or address as in certificates; may be empty.
std::optional<std::string> read_server_name(const toml::node& node, const value_context& in) {
    auto name = read_outside_name(node, in);
    const auto allowed = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_' || c == ':';
    };
    if (!name || std::ranges::all_of(*name, allowed)) return name;
    in.out.error(place_of(node), fmt::format("\"{}\" is neither a host name nor an address", base::printable(*name)),
                 "write it as in the server's certificate: \"etcd.example.com\"");
    return std::nullopt;
}

/// Reads a value that is never repeated in a message.
std::optional<std::string> read_secret(const toml::node& node, const value_context& in) {
    auto secret = node.value_exact<std::string>();
    if (!secret) complain_about_type(node, in, "a string", "put it in quotes");
    return secret;
}

/// The keys of `auth` as they were read.
struct auth_readings {
    reading user;
    std::array<reading, 3> forms;  ///< of the password: file, environment, literal
};

/// Reports passwords that are written but empty. Returns true if there are any.
bool complain_about_empty(table_reader& in, const auth_settings& auth, const auth_readings& all) {
    const std::array<const std::string*, 3> values{&auth.password_file, &auth.password_env, &auth.password};
    constexpr std::array<std::string_view, 3> names{"password_file", "password_env", "password"};
    bool found = false;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (!all.forms[i].given || !all.forms[i].good || !values[i]->empty()) continue;
        in.out().error(all.forms[i].at, fmt::format("\"{}\" of {} is empty", names[i], in.label()),
                       "etcd accepts no empty password");
        found = true;
    }
    return found;
}

/// Checks that there is exactly one kind of password, and only with a user.
void check_auth(table_reader& in, const auth_settings& auth, const auth_readings& all) {
    if (complain_about_empty(in, auth, all)) return;
    place last = all.user.at;
    int forms = 0;
    for (const reading& form : all.forms) {
        if (form.given) last = form.at;
        forms += form.given ? 1 : 0;
    }
    if (forms > 1) {
        in.out().error(last, fmt::format("more than one password in {}", in.label()),
                       "keep only one of the password keys");
    } else if (all.user.given && all.user.good && auth.user.empty() && forms == 1) {
        in.out().error(all.user.at, fmt::format("\"user\" of {} is empty", in.label()), "write user = \"NAME\"");
    } else if (!all.user.given && forms == 1) {
        in.missing({"user"}, fmt::format("{} has a password but no user", in.label()), "write user = \"NAME\"");
    } else if (!auth.user.empty() && forms == 0) {
        in.missing({"password_file", "password_env", "password"},
                   fmt::format("{} has a user but no password", in.label()), "write password_file = \"FILE\"");
    }
    if (all.forms[2].given && all.forms[2].good) {
        in.out().warning(all.forms[2].at, "the password is in the configuration file", "use password_file instead");
    }
}

}  // namespace

void read_tls(table_reader& in, tls_settings& into, cluster_notes& notes) {
    auto table = in.table("tls", fmt::format("{} tls", in.label()));
    if (!table) return;
    notes.tls = table->at();
    notes.ca = table->value("ca", into.ca, read_file_name).at;
    const reading cert = table->value("cert", into.cert, read_file_name);
    const reading key = table->value("key", into.key, read_file_name);
    table->value("server_name", into.server_name, read_server_name);
    const reading skip_verify = table->value("insecure_skip_verify", into.insecure_skip_verify, read_flag);
    notes.cert = cert.at;
    notes.key = key.at;
    table->done();
    if (into.insecure_skip_verify) {
        in.out().warning(
            skip_verify.at, fmt::format("the certificate of {} is not verified: anyone can impersonate it", in.label()),
            into.ca.empty() ? "set ca = \"FILE\" to verify it" : "remove insecure_skip_verify to verify it against ca");
    }
    const bool unsure = !cert.good || !key.good || table->misspelled("cert") || table->misspelled("key");
    if (unsure || into.cert.empty() == into.key.empty()) return;
    in.out().error(into.cert.empty() ? key.at : cert.at, "\"cert\" and \"key\" must be set together",
                   fmt::format("write {} = \"FILE\" too", into.cert.empty() ? "cert" : "key"));
}

void read_auth(table_reader& in, auth_settings& into, cluster_notes& notes) {
    auto table = in.table("auth", fmt::format("{} auth", in.label()));
    if (!table) return;
    auth_readings all;
    all.user = table->value("user", into.user, read_text);
    all.forms[0] = table->value("password_file", into.password_file, read_file_name);
    all.forms[1] = table->value("password_env", into.password_env, read_outside_name);
    all.forms[2] = table->value("password", into.password, read_secret);
    notes.password_file = all.forms[0].at;
    notes.password_env = all.forms[1].at;
    notes.password = all.forms[2].at;
    check_auth(*table, into, all);
    table->done();
}

}  // namespace etcdsync::config
