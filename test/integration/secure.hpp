// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/certificates.hpp"
#include "support/listener_options.hpp"
#include "support/processes.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

/// Certificates for etcd and the daemon, and their configuration.
namespace etcdsync::test {

inline certificate_options client_named(std::string cn) {
    certificate_options how;
    how.cn = std::move(cn);
    how.names.clear();
    how.usage = "clientAuth";
    return how;
}

struct key_infrastructure {
    scratch_dir dir;
    certificate_authority ca{dir.path(), "ca"};
    certificate server = ca.issue("server");
    certificate client = ca.issue("client", client_named("etcd-sync"));

    /// An etcd with the certificate `server`. If `mutual`, it requires a client certificate of `ca`.
    [[nodiscard]] listener_options listener(bool mutual = false, std::string address = "https://127.0.0.1") const {
        return {std::move(address), server, mutual ? ca.file() : ""};
    }

    /// A line for [master] or [[slave]] that trusts `ca`.
    [[nodiscard]] std::string trusting(std::string_view more = {}) const {
        return fmt::format("tls = {{ ca = \"{}\"{} }}\n", ca.file(), more);
    }
    [[nodiscard]] std::string mutual(const certificate& ours) const {
        return trusting(fmt::format(", cert = \"{}\", key = \"{}\"", ours.cert, ours.key));
    }
    [[nodiscard]] std::string mutual() const { return mutual(client); }
};

/// A line for [master] or [[slave]] with a user whose password is in `file`.
inline std::string as_user(std::string_view user, std::string_view file) {
    return fmt::format("auth = {{ user = \"{}\", password_file = \"{}\" }}\n", user, file);
}

}  // namespace etcdsync::test
