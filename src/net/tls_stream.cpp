// SPDX-License-Identifier: Apache-2.0
#include "net/tls_stream.hpp"

#include "net/socket_queue.hpp"
#include "net/tls_client.hpp"
#include "net/tls_errors.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace etcdsync::net {
namespace {

namespace asio = aio::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;

bool is_address(const std::string& host) {
    error_code no_address;
    asio::ip::make_address(host, no_address);
    return !no_address;
}

class openssl_stream final : public tls_stream {
public:
    openssl_stream(stream_socket socket, std::shared_ptr<ssl::context> context, const endpoint& to)
        : context_(std::move(context)), stream_(std::move(socket), *context_), options_(to.tls->options()),
          wanted_(options_.server_name.empty() ? to.host : options_.server_name) {}

    aio::awaitable<result<void>> handshake() override {
        if (!set_expected_server())
            co_return failure(fmt::format("{} is not a valid host name or address for a certificate", wanted_), false);
        const auto [ec] = co_await stream_.async_handshake(ssl::stream_base::client, aio::as_result);
        if (ec && !verify_error_.empty()) co_return failure(verify_error_, false);
        if (ec) co_return handshake_failure(ec, our_certificate());
        const unsigned char* protocol = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(stream_.native_handle(), &protocol, &size);
        if (size != 2) co_return failure("the server did not agree to speak HTTP/2 (ALPN h2): it is not etcd", false);
        co_return result<void>();
    }

    aio::awaitable<result<std::size_t>> read_some(asio::mutable_buffer into) override {
        const auto [ec, count] = co_await stream_.async_read_some(into, aio::as_result);
        // etcd closes without a TLS close_notify. HTTP/2 notices by itself if anything is missing.
        if (ec == asio::error::eof || ec == ssl::error::stream_truncated) co_return std::size_t{0};
        if (ec) co_return stream_failure(ec, our_certificate());
        co_return count;
    }

    aio::awaitable<result<void>> write(asio::const_buffer bytes) override {
        while (bytes.size() > 0) {
            const auto [ec, count] = co_await stream_.async_write_some(bytes, aio::as_result);
            if (ec) co_return stream_failure(ec, our_certificate());
            sent_ += count;
            bytes += count;
        }
        co_return result<void>();
    }

    [[nodiscard]] std::uint64_t taken() override {
        return sent_ - std::min(sent_, bytes_not_taken(stream_.next_layer().native_handle()));
    }

    void close() override {
        error_code ignored;
        stream_.next_layer().close(ignored);
    }

private:
    [[nodiscard]] const X509* our_certificate() { return SSL_get_certificate(stream_.native_handle()); }

    /// Sets up the verification of the server. False if the name cannot be verified.
    bool set_expected_server() {
        SSL* const raw = stream_.native_handle();
        const bool address = is_address(wanted_);
        if (!address) SSL_set_tlsext_host_name(raw, wanted_.c_str());  // RFC 6066 section 3: names only
        if (options_.insecure_skip_verify) return true;
        X509_VERIFY_PARAM* const expected = SSL_get0_param(raw);
        // As in Go's clients, the subject's common name is ignored (RFC 9525 section 2).
        X509_VERIFY_PARAM_set_hostflags(expected,
                                        X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
        const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(expected, wanted_.c_str())
                                : X509_VERIFY_PARAM_set1_host(expected, wanted_.c_str(), wanted_.size());
        if (set != 1) return false;
        stream_.set_verify_mode(ssl::verify_peer);
        stream_.set_verify_callback([this](bool good, ssl::verify_context& at) {
            if (!good) verify_error_ = verify_error(at.native_handle(), wanted_, options_.ca);
            return good;
        });
        return true;
    }

    std::shared_ptr<ssl::context> context_;
    ssl::stream<stream_socket> stream_;
    tls_options options_;
    std::string wanted_;
    std::string verify_error_;
    std::uint64_t sent_ = 0;
};

}  // namespace

std::unique_ptr<tls_stream> make_tls_stream(stream_socket socket, std::shared_ptr<ssl::context> context,
                                            const endpoint& to) {
    return std::make_unique<openssl_stream>(std::move(socket), std::move(context), to);
}

}  // namespace etcdsync::net
