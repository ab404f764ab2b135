// SPDX-License-Identifier: Apache-2.0
#include "net/tls_client.hpp"

#include "base/escape.hpp"
#include "net/tls_errors.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <memory>
#include <type_traits>

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

constexpr std::size_t most_bytes = 64U << 20;

base::error load_error(std::string_view what, const std::string& file, const std::string& why) {
    return base::error(fmt::format("{} {}: {}", what, base::printable(file), why));
}

template <class T, void (*Free)(T*)>
using owned = std::unique_ptr<T, std::integral_constant<decltype(Free), Free>>;

void free_all(BIO* of) { BIO_free_all(of); }
void free_infos(STACK_OF(X509_INFO) * of) { sk_X509_INFO_pop_free(of, X509_INFO_free); }

/// The first reason of OpenSSL's last failure.
std::string openssl_reason() {
    const error_code why(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category());
    return why.message();
}

/// Trusts all certificates of a PEM text, and heeds its revocation lists. Empty on success, else why not.
std::string trust(ssl::context& to, const std::string& pem) {
    ERR_clear_error();
    const owned<BIO, free_all> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const owned<STACK_OF(X509_INFO), free_infos> all(PEM_X509_INFO_read_bio(in.get(), nullptr, no_passphrase, nullptr));
    if (!all) return openssl_reason();
    X509_STORE* const store = SSL_CTX_get_cert_store(to.native_handle());
    bool found = false;
    for (int i = 0; i < sk_X509_INFO_num(all.get()); ++i) {
        const X509_INFO* const one = sk_X509_INFO_value(all.get(), i);
        if (one->x509 != nullptr && X509_STORE_add_cert(store, one->x509) != 1) return openssl_reason();
        if (one->crl != nullptr && X509_STORE_add_crl(store, one->crl) != 1) return openssl_reason();
        found = found || one->x509 != nullptr || one->crl != nullptr;
    }
    return found ? "" : "no certificate or crl found";
}

base::result<void> set_trust(const base::file_reader& files, ssl::context& to, const tls_options& options) {
    if (options.ca.empty()) {
        error_code ec;
        to.set_default_verify_paths(ec);
        if (ec) return load_error("the CA file", options.ca, ec.message());
    } else {
        const auto read = files.read_regular(options.ca, most_bytes);
        const std::string why = read ? trust(to, read->bytes) : read.error().text;
        if (!why.empty()) return load_error("the CA file", options.ca, why);
    }
    // A CA file may contain only an intermediate certificate, as Go's clients accept it.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(to.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
    return {};
}

base::result<void> set_key(const base::file_reader& files, ssl::context& to, const tls_options& options) {
    constexpr std::string_view what = "the key (PEM, without a passphrase)";
    const auto key = files.read_regular(options.key, most_bytes);
    if (!key) return load_error(what, options.key, key.error().text);
    error_code ec;
    to.use_private_key(boost::asio::buffer(key->bytes), ssl::context::pem, ec);
    if (!ec) return {};
    if (ERR_GET_REASON(static_cast<unsigned long>(ec.value())) == X509_R_KEY_VALUES_MISMATCH) {
        return base::error(fmt::format("the key {} does not belong to the certificate {}", base::printable(options.key),
                                       base::printable(options.cert)));
    }
    return load_error(what, options.key, ec.message());
}

base::result<void> set_identity(const base::file_reader& files, ssl::context& to, const tls_options& options) {
    if (options.cert.empty()) return {};
    const auto chain = files.read_regular(options.cert, most_bytes);
    if (!chain) return load_error("the certificate", options.cert, chain.error().text);
    error_code ec;
    to.use_certificate_chain(boost::asio::buffer(chain->bytes), ec);
    if (ec) return load_error("the certificate", options.cert, ec.message());
    return set_key(files, to, options);
}

base::result<std::shared_ptr<ssl::context>> make(const base::file_reader& files, const tls_options& options) {
    auto made = std::make_shared<ssl::context>(ssl::context::tls_client);
    SSL_CTX* const raw = made->native_handle();
    SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(raw, ciphers);
    SSL_CTX_set_alpn_protos(raw, only_h2, sizeof only_h2);
    SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_default_passwd_cb(raw, no_passphrase);
    if (auto trusted = set_trust(files, *made, options); !trusted) return trusted.error();
    if (auto identified = set_identity(files, *made, options); !identified) return identified.error();
    return made;
}

}  // namespace

std::string tls_client::files_stamp() const {
    std::string out;
    for (const std::string* file : {&options_.ca, &options_.cert, &options_.key}) {
        if (!file->empty()) out += files_->stamp(*file);
        out += ';';
    }
    return out;
}

base::result<std::shared_ptr<ssl::context>> tls_client::context() {
    std::string now = files_stamp();
    if (made_ && now == stamp_) return made_;
    const bool reported = now == stamp_;
    auto fresh = make(*files_, options_);
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
