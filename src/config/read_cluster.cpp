// SPDX-License-Identifier: Apache-2.0
#include "config/draft.hpp"
#include "config/endpoint.hpp"

#include <fmt/format.h>

#include <array>

namespace etcdsync::config {
namespace {

void read_endpoints(table_reader& in, cluster& into, cluster_notes& notes) {
    const reading all = in.list("endpoints", [&](const toml::node& element, const value_context& context) {
        const auto text = read_outside_name(element, context);
        if (!text) return false;
        auto parsed = parse_endpoint(*text);
        if (!parsed) {
            in.out().error(place_of(element), parsed.error());
            return false;
        }
        into.endpoints.push_back(*std::move(parsed));
        notes.endpoints.push_back(place_of(element));
        return true;
    });
    if (all.good && into.endpoints.empty()) {
        in.missing({"endpoints"}, fmt::format("{} has no endpoints", in.label()),
                   "write endpoints = [\"http://host:2379\"]", all.at);
    }
}

void read_tls(table_reader& in, tls_settings& into) {
    auto table = in.table("tls", fmt::format("{} tls", in.label()));
    if (!table) return;
    table->value("ca", into.ca, read_outside_name);
    const reading cert = table->value("cert", into.cert, read_outside_name);
    const reading key = table->value("key", into.key, read_outside_name);
    table->value("server_name", into.server_name, read_outside_name);
    table->value("insecure_skip_verify", into.insecure_skip_verify, read_flag);
    table->done();
    const bool unsure = !cert.good || !key.good || table->misspelt("cert") || table->misspelt("key");
    if (unsure || into.cert.empty() == into.key.empty()) return;
    in.out().error(into.cert.empty() ? key.at : cert.at, "\"cert\" and \"key\" only make sense together",
                   fmt::format("write {} = \"FILE\" too", into.cert.empty() ? "cert" : "key"));
}

/// A value that is never repeated in a message.
std::optional<std::string> read_secret(const toml::node& node, const value_context& in) {
    auto secret = node.value_exact<std::string>();
    if (!secret) complain_about_type(node, in, "a string", "put it in quotes");
    return secret;
}

/// Exactly one form of secret, and only with a user.
void check_secret(table_reader& in, const auth_settings& auth, const std::array<reading, 4>& all) {
    place last = all[0].at;
    int forms = 0;
    for (const reading& secret : {all[1], all[2], all[3]}) {
        if (secret.given) last = secret.at;
        forms += secret.given ? 1 : 0;
    }
    if (forms > 1) {
        in.out().error(last, fmt::format("more than one password in {}", in.label()),
                       "keep only one of the password keys");
    } else if (!all[0].given && forms == 1) {
        in.missing({"user"}, fmt::format("{} has a password but no user", in.label()), "write user = \"NAME\"");
    } else if (!auth.user.empty() && forms == 0) {
        in.missing({"password_file", "password_env", "password"},
                   fmt::format("{} has a user but no password", in.label()), "write password_file = \"FILE\"");
    }
    if (all[3].given && all[3].good) {
        in.out().warning(all[3].at, "a password stands in the file itself", "password_file keeps it apart");
    }
}

void read_auth(table_reader& in, auth_settings& into) {
    auto table = in.table("auth", fmt::format("{} auth", in.label()));
    if (!table) return;
    const reading user = table->value("user", into.user, read_text);
    const reading file = table->value("password_file", into.password_file, read_outside_name);
    const reading env = table->value("password_env", into.password_env, read_outside_name);
    const reading literal = table->value("password", into.password, read_secret);
    check_secret(*table, into, {user, file, env, literal});
    table->done();
}

}  // namespace

void read_cluster(table_reader& in, cluster& into, cluster_notes& notes) {
    notes.table = &in.raw();
    notes.at = in.at();
    notes.label = in.label();
    read_endpoints(in, into, notes);
    read_tls(in, into.tls);
    read_auth(in, into.auth);
}

}  // namespace etcdsync::config
