// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"

#include <boost/system/error_code.hpp>
#include <openssl/x509_vfy.h>

#include <string>
#include <string_view>

/// What OpenSSL says, in words that tell what to do.
namespace etcdsync::net {

/// Why the certificate at hand is not accepted. `wanted`: the name it had to be for.
[[nodiscard]] std::string untrusted(X509_STORE_CTX* at, std::string_view wanted, std::string_view ca_file);

/// "expired at ..." or "is valid from ... only"; empty: neither.
[[nodiscard]] std::string out_of_date(const X509* certificate);

/// Of a handshake that failed for another reason. `ours`: the certificate we showed; null: none.
[[nodiscard]] failure handshake_failure(const boost::system::error_code& ec, const X509* ours);

/// Of a connection that stood. With TLS 1.3 a server refuses our certificate only after the handshake: its alert comes with the
/// first read (etcd-wire.md 1.6).
[[nodiscard]] failure stream_failure(const boost::system::error_code& ec, const X509* ours);

}  // namespace etcdsync::net
