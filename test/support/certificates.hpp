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
    std::chrono::hours from{-1};                              ///< valid from now on plus this ...
    std::chrono::hours to{24};                                ///< ... until now plus this
    std::string usage = "serverAuth,clientAuth";              ///< extendedKeyUsage
};

/// A throw-away certificate authority: elliptic keys, so that it costs next to nothing. Throws where OpenSSL refuses.
class certificate_authority {
public:
    /// Writes `dir`/`name`.pem.
    certificate_authority(std::string dir, std::string_view name);
    ~certificate_authority();
    certificate_authority(const certificate_authority&) = delete;

    /// Writes `dir`/`file`.pem and `dir`/`file`.key, in the place of what stood there by rename.
    [[nodiscard]] certificate issue(std::string_view file, const certificate_options& how = {}) const;

    /// Its own certificate.
    [[nodiscard]] const std::string& file() const { return file_; }

private:
    struct parts;
    std::string dir_;
    std::string file_;
    parts* parts_;
};

/// An RSA key pair in `dir`, for JWT: `cert` is the public key.
certificate rsa_key_pair(const std::string& dir);

/// Writes `text` to `path`, for its owner's eyes, in the place of what stood there by rename.
void replace_file(const std::string& path, std::string_view text);

}  // namespace etcdsync::test
