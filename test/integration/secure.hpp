// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/certificates.hpp"
#include "support/front_door.hpp"
#include "support/processes.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

/// Certificates for an etcd and for the daemon, and how the daemon is told of them.
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

    /// An etcd that shows `server`; mutual: and wants to see a certificate of `ca`.
    [[nodiscard]] front_door door(bool mutual = false, std::string address = "https://127.0.0.1") const {
        return {std::move(address), server, mutual ? ca.file() : ""};
    }

    /// The line of [master] or [[slave]].
    [[nodiscard]] std::string trusting(std::string_view more = {}) const {
        return fmt::format("tls = {{ ca = \"{}\"{} }}\n", ca.file(), more);
    }
    [[nodiscard]] std::string mutual(const certificate& ours) const {
        return trusting(fmt::format(", cert = \"{}\", key = \"{}\"", ours.cert, ours.key));
    }
    [[nodiscard]] std::string mutual() const { return mutual(client); }
};

/// The line of [master] or [[slave]] for a user whose password stands in `file`.
inline std::string as_user(std::string_view user, std::string_view file) {
    return fmt::format("auth = {{ user = \"{}\", password_file = \"{}\" }}\n", user, file);
}

}  // namespace etcdsync::test
