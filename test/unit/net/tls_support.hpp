// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/process/system_files.hpp"
#include "net/socket_dialer.hpp"
#include "net/tls_client.hpp"
#include "support/capture_sink.hpp"
#include "support/certificates.hpp"
#include "support/processes.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

/// Helpers to test TLS against an Asio server in the same loop, with certificates made for the
/// test.
namespace etcdsync::net {

using namespace std::chrono_literals;
using aio::asio::ip::tcp;
namespace asio = aio::asio;
namespace ssl = asio::ssl;

using dialed = net::result<std::unique_ptr<net::byte_stream>>;

inline int choose_h2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                     unsigned length, void*) {
    static constexpr unsigned char h2[] = {2, 'h', '2'};
    return SSL_select_next_proto(const_cast<unsigned char**>(out), size, h2, sizeof h2, offered, length) ==
                   OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// How the server of a test behaves.
struct tls_server_options {
    bool speaks_h2 = true;
    bool requires_certificate = false;
    int max_version = TLS1_3_VERSION;
    const char* ciphers = nullptr;
};

struct tls_fixture {
    /// Serves one connection: handshake, then echoes all bytes.
    void serve(const test::certificate& as, const tls_server_options& how = {}) {
        auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
        context->use_certificate_chain_file(as.cert);
        context->use_private_key_file(as.key, ssl::context::pem);
        SSL_CTX_set_max_proto_version(context->native_handle(), how.max_version);
        if (how.ciphers != nullptr) SSL_CTX_set_cipher_list(context->native_handle(), how.ciphers);
        if (how.speaks_h2) SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_h2, nullptr);
        if (how.requires_certificate) {
            context->load_verify_file(ca.file());
            context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
        }
        asio::co_spawn(io, echo(std::move(context)), asio::detached);
    }

    aio::awaitable<> echo(std::shared_ptr<ssl::context> context) {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        ssl::stream<tcp::socket> stream(std::move(socket), *context);
        const auto shaken = co_await stream.async_handshake(ssl::stream_base::server, aio::as_result);
        if (std::get<0>(shaken)) co_return;
        std::string space(100, '\0');
        for (;;) {
            const auto into = asio::buffer(space);
            const auto read = co_await stream.async_read_some(into, aio::as_result);
            if (std::get<0>(read)) co_return;
            const auto bytes = asio::buffer(space.data(), std::get<1>(read));
            const auto wrote = co_await asio::async_write(stream, bytes, aio::as_result);
            if (std::get<0>(wrote)) co_return;
        }
    }

    net::endpoint to(net::tls_options options, const std::string& host = "127.0.0.1") {
        const auto port = acceptor.local_endpoint().port();
        return {
            "https://" + host, host, port, std::make_shared<net::tls_client>(std::move(options), files, logger), {}};
    }

    net::tls_options trusting() {
        net::tls_options out;
        out.ca = ca.file();
        return out;
    }

    template <class T>
    T run(aio::awaitable<T> body) {
        std::optional<T> out;
        auto done = [&out](const std::exception_ptr& error, T value) {
            if (error) std::rethrow_exception(error);
            out.emplace(std::move(value));
        };
        asio::co_spawn(io, std::move(body), done);
        io.restart();
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (!out && std::chrono::steady_clock::now() < until) io.run_one_for(100ms);
        REQUIRE_MESSAGE(out.has_value(), "a coroutine hangs");
        return std::move(*out);
    }

    dialed dial(const net::endpoint& where, aio::clock::duration patience = 3s) {
        return run(dialer.dial(where, clock.now() + patience));
    }

    /// Dials, which must fail, and returns the reason.
    std::string refusal(const net::endpoint& where, aio::clock::duration patience = 3s) {
        const auto stream = dial(where, patience);
        REQUIRE(stream.has_error());
        const std::string start = "TLS to " + where.name() + ": ";
        CHECK(stream.error().text.starts_with(start));
        return stream.error().text.substr(std::min(start.size(), stream.error().text.size()));
    }

    test::scratch_dir dir;
    test::certificate_authority ca{dir.path(), "ca"};
    test::capture_sink lines;
    observe::logger logger{lines, observe::log_level::debug};
    app::system_files files;
    asio::io_context io{1};
    aio::system_clock clock{io.get_executor()};
    net::socket_dialer dialer{clock};
    tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

inline aio::awaitable<net::result<std::string>> send_and_read(net::byte_stream& to, std::string message) {
    const auto bytes = asio::buffer(std::as_const(message));
    const auto written = co_await to.write(bytes);
    if (!written) co_return written.error();
    std::string space(100, '\0');
    const auto into = asio::buffer(space);
    const auto size = co_await to.read_some(into);
    if (!size) co_return size.error();
    space.resize(*size);
    co_return net::result<std::string>(boost::system::in_place_value, std::move(space));
}

inline test::certificate_options named(const std::string& names) {
    test::certificate_options out;
    out.names = names;
    return out;
}

}  // namespace etcdsync::net
