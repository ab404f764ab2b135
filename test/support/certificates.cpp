// SPDX-License-Identifier: Apache-2.0
#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace etcdsync::test {
namespace {

struct deleter {
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(X509_EXTENSION* p) const noexcept { X509_EXTENSION_free(p); }
    void operator()(BIO* p) const noexcept { BIO_free(p); }
};
using key_ptr = std::unique_ptr<EVP_PKEY, deleter>;
using x509_ptr = std::unique_ptr<X509, deleter>;
using bio_ptr = std::unique_ptr<BIO, deleter>;

void check(bool done) {
    if (!done) throw std::runtime_error("OpenSSL cannot create a certificate");
}

key_ptr new_key() {
    key_ptr key(EVP_EC_gen("P-256"));
    check(key != nullptr);
    return key;
}

void extend(X509* of, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, of, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, deleter> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    check(extension != nullptr && X509_add_ext(of, extension.get(), -1) == 1);
}

/// Creates a certificate without a signature.
x509_ptr new_certificate(EVP_PKEY* key, const std::string& cn, std::chrono::seconds from, std::chrono::seconds to) {
    static long serial = 1;
    x509_ptr made(X509_new());
    check(made != nullptr && X509_set_version(made.get(), 2) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), from.count());
    X509_gmtime_adj(X509_getm_notAfter(made.get()), to.count());
    check(X509_set_pubkey(made.get(), key) == 1);
    const auto* const text = reinterpret_cast<const unsigned char*>(cn.c_str());
    check(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1);
    return made;
}

std::string text_of(const bio_ptr& memory) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(memory.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* of) {
    const bio_ptr memory(BIO_new(BIO_s_mem()));
    check(PEM_write_bio_X509(memory.get(), of) == 1);
    return text_of(memory);
}

std::string pem(EVP_PKEY* of) {
    const bio_ptr memory(BIO_new(BIO_s_mem()));
    check(PEM_write_bio_PrivateKey(memory.get(), of, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    return text_of(memory);
}

std::string public_pem(EVP_PKEY* of) {
    const bio_ptr memory(BIO_new(BIO_s_mem()));
    check(PEM_write_bio_PUBKEY(memory.get(), of) == 1);
    return text_of(memory);
}

}  // namespace

struct certificate_authority::parts {
    key_ptr key;
    x509_ptr self;
};

certificate_authority::certificate_authority(std::string dir, std::string_view name)
    : dir_(std::move(dir)), file_(dir_ + "/" + std::string(name) + ".pem"), parts_(new parts{new_key(), nullptr}) {
    using namespace std::chrono_literals;
    parts_->self = new_certificate(parts_->key.get(), "CA " + std::string(name), -48h, 48h);
    X509* const self = parts_->self.get();
    check(X509_set_issuer_name(self, X509_get_subject_name(self)) == 1);
    extend(self, self, NID_basic_constraints, "critical,CA:TRUE");
    extend(self, self, NID_key_usage, "critical,keyCertSign,cRLSign");
    extend(self, self, NID_subject_key_identifier, "hash");
    check(X509_sign(self, parts_->key.get(), EVP_sha256()) > 0);
    replace_file(file_, pem(self));
}

certificate_authority::~certificate_authority() { delete parts_; }

certificate certificate_authority::issue(std::string_view file, const certificate_options& how) const {
    const key_ptr key = new_key();
    const x509_ptr made = new_certificate(key.get(), how.cn, how.from, how.to);
    X509* const issuer = parts_->self.get();
    check(X509_set_issuer_name(made.get(), X509_get_subject_name(issuer)) == 1);
    extend(made.get(), issuer, NID_basic_constraints, "critical,CA:FALSE");
    extend(made.get(), issuer, NID_authority_key_identifier, "keyid");
    if (!how.names.empty()) extend(made.get(), issuer, NID_subject_alt_name, how.names);
    extend(made.get(), issuer, NID_ext_key_usage, how.usage);
    check(X509_sign(made.get(), parts_->key.get(), EVP_sha256()) > 0);
    certificate files{dir_ + "/" + std::string(file) + ".pem", dir_ + "/" + std::string(file) + ".key"};
    replace_file(files.key, pem(key.get()));
    replace_file(files.cert, pem(made.get()));
    return files;
}

certificate rsa_key_pair(const std::string& dir) {
    const key_ptr key(EVP_RSA_gen(2048));
    check(key != nullptr);
    certificate files{dir + "/rsa.pub", dir + "/rsa.key"};
    replace_file(files.key, pem(key.get()));
    replace_file(files.cert, public_pem(key.get()));
    return files;
}

void replace_file(const std::string& path, std::string_view text) {
    const std::string fresh = path + ".new";
    {
        std::ofstream out(fresh, std::ios::binary);
        out << text;
        if (!out.flush()) throw std::runtime_error("cannot write " + fresh);
    }
    std::filesystem::permissions(fresh, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    if (std::rename(fresh.c_str(), path.c_str()) != 0) throw std::runtime_error("cannot write " + path);
}

}  // namespace etcdsync::test
