// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"
#include "base/result.hpp"
#include "observe/log.hpp"

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

namespace etcdsync::net {

/// TLS settings for the members of one cluster. Files are PEM; empty: none.
struct tls_options {
    std::string ca;    ///< CAs of the members' certificates; empty: the CAs that the system trusts
    std::string cert;  ///< our client certificate with its chain; requires `key`
    std::string key;
    std::string server_name;            ///< name or address in the members' certificates; empty: the endpoint's host
    bool insecure_skip_verify = false;  ///< accept any certificate
};

/// The trusted CAs and our certificate for the TLS connections to one cluster. The files are
/// reloaded when one of them changes, so certificates can be replaced without a restart. If they
/// cannot be loaded (one file of a pair was not replaced yet), the old ones stay in use.
class tls_client {
public:
    /// `files` and `log` must outlive this object. Without a CA file, OpenSSL reads the CAs of the system itself.
    tls_client(tls_options options, const base::file_reader& files, const observe::logger& log)
        : options_(std::move(options)), files_(&files), log_(&log) {}

    /// The context for the next connection: TLS 1.2 or later, only AEAD ciphers with forward
    /// secrecy, only ALPN "h2" (etcd-wire.md 1.6). The error names the file.
    [[nodiscard]] base::result<std::shared_ptr<boost::asio::ssl::context>> context();

    /// Checks that the files exist and belong together. The error names the file.
    [[nodiscard]] base::result<void> check();

    /// Warns if our certificate has expired or is not valid yet. Empty if it is valid, or if
    /// check() fails.
    [[nodiscard]] std::string certificate_warning();

    [[nodiscard]] const tls_options& options() const { return options_; }

private:
    [[nodiscard]] std::string files_stamp() const;

    tls_options options_;
    const base::file_reader* files_;
    const observe::logger* log_;
    std::shared_ptr<boost::asio::ssl::context> made_;
    std::string stamp_;  ///< files_stamp() of the last attempt to load them
};

}  // namespace etcdsync::net
