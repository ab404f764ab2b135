// SPDX-License-Identifier: Apache-2.0
#include "net/tls_client.hpp"

#include "base/escape.hpp"
#include "net/tls_errors.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/stat.h>

namespace etcdsync::net {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

/// The ciphers for TLS 1.2: those that HTTP/2 allows (RFC 9113 section 9.2.2) and Go's server
/// supports. TLS 1.3 has no weak ciphers.
constexpr const char* ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr unsigned char only_h2[] = {2, 'h', '2'};

/// Keeps OpenSSL from asking for the passphrase of a key on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

base::error load_error(std::string_view what, const std::string& file, const error_code& why) {
    return base::error(fmt::format("{} {}: {}", what, base::printable(file), why.message()));
}

base::result<void> set_trust(ssl::context& to, const tls_options& options) {
    error_code ec;
    if (options.ca.empty()) {
        to.set_default_verify_paths(ec);
    } else {
        to.load_verify_file(options.ca, ec);
    }
    if (ec) return load_error("the CA file", options.ca, ec);
    // A CA file may contain only an intermediate certificate, as Go's clients accept it.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(to.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

base::result<void> set_identity(ssl::context& to, const tls_options& options) {
    if (options.cert.empty()) return {};
    error_code ec;
    to.use_certificate_chain_file(options.cert, ec);
    if (ec) return load_error("the certificate", options.cert, ec);
    to.use_private_key_file(options.key, ssl::context::pem, ec);
    if (!ec) return {};
    if (ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH) {
        return base::error(fmt::format("the key {} does not belong to the certificate {}", base::printable(options.key),
                                       base::printable(options.cert)));
    }
    return load_error("the key (PEM, without a passphrase)", options.key, ec);
}

base::result<std::shared_ptr<ssl::context>> make(const tls_options& options) {
    auto made = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX* const raw = made->native_handle();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(raw, ciphers);
    SSL_CTX_set_alpn_protos(raw, only_h2, sizeof only_h2);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
    if (auto trusted = set_trust(*made, options); !trusted) return trusted.error();
    if (auto identified = set_identity(*made, options); !identified) return identified.error();
    return made;
}

}  // namespace

std::string tls_client::files_stamp() const {
    std::string out;
    for (const std::string* file : {&options_.ca, &options_.cert, &options_.key}) {
        struct stat at {};
        if (file->empty() || ::stat(file->c_str(), &at) != 0) {
            out += "-;";
        } else {
            out +=
                fmt::format("{}.{}.{}.{}.{};", at.st_dev, at.st_ino, at.st_size, at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
        }
    }
    return out;
}

base::result<std::shared_ptr<ssl::context>> tls_client::context() {
    std::string now = files_stamp();
    if (made_ && now == stamp_) return made_;
    const bool reported = now == stamp_;
    auto fresh = make(options_);
    stamp_ = std::move(now);
    if (fresh) {
        if (made_) log_->info("certificates reloaded", {{"cert", options_.cert}, {"ca", options_.ca}});
        made_ = *fresh;
    } else if (made_ && !reported) {
        log_->warn("cannot load the changed certificates; the old ones stay in use", {{"cause", fresh.error().text}});
    }
    if (made_) return made_;
    return fresh;
}

base::result<void> tls_client::check() {
    auto made = context();
    if (!made) return made.error();
    return {};
}

std::string tls_client::certificate_warning() {
    const auto made = context();
    const X509* const ours = made ? SSL_CTX_get0_certificate((*made)->native_handle()) : nullptr;
    const std::string why = ours == nullptr ? "" : validity_error(ours);
    return why.empty() ? "" : fmt::format("the certificate {} {}", base::printable(options_.cert), why);
}

}  // namespace etcdsync::net
