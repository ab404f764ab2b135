// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"

#include <boost/system/error_code.hpp>
#include <openssl/x509_vfy.h>

#include <string>
#include <string_view>

/// Turns errors of OpenSSL into texts that say what to do.
namespace etcdsync::net {

/// The reason why the current certificate is not accepted. `wanted` is the name it should be for.
[[nodiscard]] std::string verify_error(X509_STORE_CTX* at, std::string_view wanted, std::string_view ca_file);

/// "expired at ..." or "is not valid before ..."; empty if the certificate is valid now.
[[nodiscard]] std::string validity_error(const X509* certificate);

/// The failure of a handshake, unless the certificate was not accepted. `ours` is our client
/// certificate, or null.
[[nodiscard]] failure handshake_failure(const boost::system::error_code& ec, const X509* ours);

/// The failure of a read or write after the handshake. With TLS 1.3 a server rejects our
/// certificate only then: its alert arrives with the first read (etcd-wire.md 1.6).
[[nodiscard]] failure stream_failure(const boost::system::error_code& ec, const X509* ours);

}  // namespace etcdsync::net
