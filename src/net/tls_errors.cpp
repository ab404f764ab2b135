// SPDX-License-Identifier: Apache-2.0
#include "net/tls_errors.hpp"

#include "base/escape.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <vector>

namespace etcdsync::net {
namespace {

std::string text_of(const ASN1_STRING* text) {
    const auto* const bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
    return base::printable({bytes, static_cast<std::size_t>(ASN1_STRING_length(text))});
}

std::string address_of(const ASN1_OCTET_STRING* address) {
    const unsigned char* const b = ASN1_STRING_get0_data(address);
    const int size = ASN1_STRING_length(address);
    if (size == 4) return fmt::format("{}.{}.{}.{}", b[0], b[1], b[2], b[3]);
    std::string out;
    for (int i = 0; i + 1 < size; i += 2) out += fmt::format("{}{:x}", i == 0 ? "" : ":", b[i] << 8 | b[i + 1]);
    return out;
}

/// The first DNS names and addresses of a certificate (RFC 6125).
std::string names_of(X509* certificate) {
    constexpr std::size_t max_names = 6;
    const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> all(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
        GENERAL_NAMES_free);
    std::vector<std::string> names;
    for (int i = 0; all && i < sk_GENERAL_NAME_num(all.get()) && names.size() < max_names; ++i) {
        const GENERAL_NAME* const name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS) names.push_back(text_of(name->d.dNSName));
        if (name->type == GEN_IPADD) names.push_back(address_of(name->d.iPAddress));
    }
    return names.empty() ? "no name" : fmt::format("{}", fmt::join(names, ", "));
}

std::string time_of(const ASN1_TIME* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable time";
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

int reason_of(const boost::system::error_code& ec) {
    if (ec.category() != aio::asio::error::get_ssl_category()) return 0;
    return ERR_GET_REASON(static_cast<unsigned long>(ec.value()));
}

/// True for alerts that mean that the server rejects our certificate (RFC 8446 section 6.2).
bool is_certificate_alert(int reason) {
    switch (reason) {
        case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return true;
        default: return false;
    }
}

/// The text of an alert, such as "bad certificate" from "sslv3 alert bad certificate".
std::string alert_text(int reason) {
    const char* const text = ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, static_cast<unsigned long>(reason)));
    const std::string_view all = text == nullptr ? "alert" : text;
    const std::size_t at = all.find("alert ");
    return std::string(at == std::string_view::npos ? all : all.substr(at + 6));
}

std::string expiry(const X509* of) { return fmt::format("expired at {}", time_of(X509_get0_notAfter(of))); }

std::string not_valid_yet(const X509* of) {
    return fmt::format("is not valid before {}: is the clock right?", time_of(X509_get0_notBefore(of)));
}

failure certificate_rejected(int reason, const X509* ours) {
    if (ours != nullptr) {
        const std::string why = validity_error(ours);
        return {fmt::format("the server refused our client certificate ({}){}{}", alert_text(reason),
                            why.empty() ? "" : ": ours ", why),
                true};
    }
    return {fmt::format("the server requires a client certificate ({}): set tls.cert and tls.key", alert_text(reason)),
            true};
}

}  // namespace

std::string verify_error(X509_STORE_CTX* at, std::string_view wanted, std::string_view ca_file) {
    X509* const certificate = X509_STORE_CTX_get_current_cert(at);
    const int error = X509_STORE_CTX_get_error(at);
    const std::string_view whose =
        X509_STORE_CTX_get_error_depth(at) == 0 ? "the server's certificate" : "the certificate of the server's CA";
    switch (error) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return fmt::format(
                "the server's certificate is for {}, not for {}: correct the endpoint, or set tls.server_name",
                names_of(certificate), base::printable(wanted));
        case X509_V_ERR_CERT_HAS_EXPIRED: return fmt::format("{} {}", whose, expiry(certificate));
        case X509_V_ERR_CERT_NOT_YET_VALID: return fmt::format("{} {}", whose, not_valid_yet(certificate));
        default: break;
    }
    const std::string_view why = X509_verify_cert_error_string(error);
    if (ca_file.empty()) {
        return fmt::format("{} is not trusted ({}): set tls.ca to its CA", whose, why);
    }
    return fmt::format("{} is not trusted ({}): it is not signed by tls.ca = {}", whose, why, base::printable(ca_file));
}

std::string validity_error(const X509* certificate) {
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) return expiry(certificate);
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) return not_valid_yet(certificate);
    return {};
}

failure handshake_failure(const boost::system::error_code& ec, const X509* ours) {
    const int reason = reason_of(ec);
    if (is_certificate_alert(reason)) return certificate_rejected(reason, ours);
    // Either an alert of the server, or an answer in an older version.
    if (reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || reason == SSL_R_UNSUPPORTED_PROTOCOL)
        return {"the server does not support TLS 1.2 or later", false};
    // Without a common ALPN protocol some servers send this alert; others continue.
    if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)
        return {"the server does not speak HTTP/2: it is not etcd", false};
    if (reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE) {
        return {fmt::format("the server ended the handshake: no common cipher{}",
                            ours != nullptr ? "" : ", or it requires a client certificate (tls.cert and tls.key)"),
                false};
    }
    const bool no_tls = reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_PACKET_LENGTH_TOO_LONG ||
                        reason == SSL_R_HTTP_REQUEST || reason == SSL_R_UNEXPECTED_MESSAGE;
    if (no_tls) return {"the peer does not speak TLS: does its endpoint need http://?", false};
    if (ec == aio::asio::error::eof || ec == aio::asio::ssl::error::stream_truncated ||
        ec == aio::asio::error::connection_reset) {
        return {"the peer closed the connection: does its endpoint need http://?", false};
    }
    return {ec.message(), false};
}

failure stream_failure(const boost::system::error_code& ec, const X509* ours) {
    const int reason = reason_of(ec);
    if (is_certificate_alert(reason)) return certificate_rejected(reason, ours);
    return {ec.message(), false};
}

}  // namespace etcdsync::net
