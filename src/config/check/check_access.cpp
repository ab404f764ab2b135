// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::config {
namespace {

/// True for hosts on this machine: data sent there does not cross the network.
bool is_loopback(std::string_view host) {
    if (host == "localhost" || host == "::1") return true;
    if (host.starts_with("::ffff:")) host.remove_prefix(7);
    return host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// A tls table without effect is an error: most likely the "s" of https:// is missing.
void check_tls(const cluster& of, const cluster_notes& notes, complaints& out) {
    const auto is_tls = [](const endpoint& e) { return e.tls; };
    // If an endpoint is invalid, it may be the one with https://; that error was reported already.
    const bool unsure = of.endpoints.empty() || of.endpoints.size() < notes.endpoints_written;
    if (of.tls == tls_settings{} || unsure || std::ranges::any_of(of.endpoints, is_tls)) return;
    out.error(notes.tls, fmt::format("{} has tls, but no endpoint with https://", notes.label),
              "write https://, or leave tls out");
}

void check_clear_text(const cluster& of, const cluster_notes& notes, complaints& out) {
    if (of.auth.user.empty()) return;
    for (std::size_t i = 0; i < of.endpoints.size(); ++i) {
        const endpoint& one = of.endpoints[i];
        if (one.tls || !one.socket.empty() || is_loopback(one.host)) continue;
        out.warning(
            notes.endpoints[i],
            fmt::format("the password of {} is sent in clear text to \"{}\"", notes.label, base::printable(one.url)),
            "write https://");
        return;
    }
}

void check(const cluster& of, const cluster_notes& notes, complaints& out) {
    check_tls(of, notes, out);
    check_clear_text(of, notes, out);
}

}  // namespace

void check_access(const draft& checked, complaints& out) {
    check(checked.value.master, checked.master, out);
    for (std::size_t i = 0; i < checked.slaves.size(); ++i) check(checked.value.slaves[i], checked.slaves[i], out);
}

}  // namespace etcdsync::config
