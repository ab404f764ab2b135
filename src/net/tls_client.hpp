// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "observe/log.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace etcdsync::net {

/// How to speak TLS with the members of one cluster. Files are PEM; empty: none.
struct tls_options {
    std::string ca;    ///< who signs the members' certificates; empty: the authorities this machine trusts
    std::string cert;  ///< ours, with its chain; together with `key`
    std::string key;
    std::string server_name;  ///< the name or address their certificates must be for; empty: the endpoint's host
    bool insecure_skip_verify = false;  ///< any certificate will do
};

/// What the TLS connections to one cluster share: trust and our identity. The files are read anew when one of them changed, so
/// certificates are exchanged without a restart; what does not load then (a pair half replaced) leaves the old ones in use.
class tls_client {
public:
    /// `log` outlives it.
    tls_client(tls_options options, const observe::logger& log) : options_(std::move(options)), log_(&log) {}

    /// For the next connection. TLS 1.2 at least, forward secret AEAD ciphers only, ALPN "h2" and nothing else
    /// (etcd-wire.md 1.6). The error names the file.
    [[nodiscard]] base::result<std::shared_ptr<boost::asio::ssl::context>> context();

    /// Whether the files are there and fit together. The error names the file.
    [[nodiscard]] base::result<void> check();

    /// What servers will not like in our certificate: it expired, or is not valid yet. Empty: nothing, or check() tells.
    [[nodiscard]] std::string doubt();

    [[nodiscard]] const tls_options& options() const { return options_; }

private:
    [[nodiscard]] std::string stamp() const;

    tls_options options_;
    const observe::logger* log_;
    std::shared_ptr<boost::asio::ssl::context> made_;
    std::string stamp_;  ///< of the files when they were last read, whatever came of it
};

}  // namespace etcdsync::net
