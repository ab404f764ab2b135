// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// The files of one certificate, PEM.
struct certificate {
    std::string cert;
    std::string key;
};

struct certificate_options {
    std::string cn = "etcd";
    std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";  ///< subjectAltName; empty: none
    std::chrono::hours from{-1};                              ///< start of the validity, relative to now
    std::chrono::hours to{24};                                ///< end of the validity, relative to now
    std::string usage = "serverAuth,clientAuth";              ///< extendedKeyUsage
};

/// A certificate authority for tests, with elliptic-curve keys because they are fast. Throws if
/// OpenSSL fails.
class certificate_authority {
public:
    /// Writes `dir`/`name`.pem.
    certificate_authority(std::string dir, std::string_view name);
    ~certificate_authority();
    certificate_authority(const certificate_authority&) = delete;

    /// Writes `dir`/`file`.pem and `dir`/`file`.key, and replaces existing files atomically.
    [[nodiscard]] certificate issue(std::string_view file, const certificate_options& how = {}) const;

    /// The file of its own certificate.
    [[nodiscard]] const std::string& file() const { return file_; }

private:
    struct parts;
    std::string dir_;
    std::string file_;
    parts* parts_;
};

/// Writes an RSA key pair for JWT to `dir`; `cert` is the public key.
certificate rsa_key_pair(const std::string& dir);

/// Writes `text` to `path`, readable only by its owner, and replaces an existing file atomically.
void replace_file(const std::string& path, std::string_view text);

}  // namespace etcdsync::test
