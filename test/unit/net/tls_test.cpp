// SPDX-License-Identifier: Apache-2.0
#include "tls_support.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;
using aio::asio::ip::tcp;
using net::named;
using net::tls_fixture;
using net::tls_server_options;
namespace asio = aio::asio;

TEST_CASE("a TLS connection carries bytes in both directions, to an address and to a name") {
    tls_fixture r;
    const auto server = r.ca.issue("server");
    for (const char* host : {"127.0.0.1", "localhost"}) {
        for (const int max_version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            tls_server_options how;
            how.max_version = max_version;
            r.serve(server, how);
            auto stream = r.dial(r.to(r.trusting(), host));
            REQUIRE(stream.has_value());
            const auto echoed = r.run(send_and_read(**stream, "ping"));
            REQUIRE(echoed.has_value());
            CHECK(*echoed == "ping");
            (*stream)->close();
            (*stream)->close();
        }
    }
}

TEST_CASE("a server certificate that is not signed by the CA is rejected") {
    tls_fixture r;
    const test::certificate_authority other(r.dir.path(), "other");
    r.serve(other.issue("server"));
    const std::string why = r.refusal(r.to(r.trusting()));
    CHECK(why.find("is not trusted") != std::string::npos);
    CHECK(why.find("tls.ca = " + r.ca.file()) != std::string::npos);
}

TEST_CASE("a certificate for other names is rejected with these names; tls.server_name overrides the expected name") {
    tls_fixture r;
    const auto server = r.ca.issue("server", named("DNS:core-1.example,DNS:core-2.example,IP:10.0.0.1,IP:fe80::1"));
    r.serve(server);
    CHECK(r.refusal(r.to(r.trusting(), "localhost")) ==
          "the server's certificate is for core-1.example, core-2.example, 10.0.0.1, fe80:0:0:0:0:0:0:1, not for "
          "localhost: correct the endpoint, or set tls.server_name");
    r.serve(server);
    CHECK(r.refusal(r.to(r.trusting())).find("not for 127.0.0.1") != std::string::npos);
    for (const char* meant : {"core-2.example", "10.0.0.1"}) {
        r.serve(server);
        net::tls_options options = r.trusting();
        options.server_name = meant;
        CHECK(r.dial(r.to(options)).has_value());
    }
}

TEST_CASE("an expired certificate and one that is not valid yet are rejected with their date") {
    tls_fixture r;
    test::certificate_options how;
    how.from = -48h;
    how.to = -24h;
    r.serve(r.ca.issue("old", how));
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server's certificate expired at 20"));
    how.from = 24h;
    how.to = 48h;
    r.serve(r.ca.issue("new", how));
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server's certificate is not valid before 20"));
}

TEST_CASE("insecure_skip_verify accepts any certificate") {
    tls_fixture r;
    const test::certificate_authority other(r.dir.path(), "other");
    r.serve(other.issue("server", named("DNS:elsewhere")));
    net::tls_options options = r.trusting();
    options.insecure_skip_verify = true;
    CHECK(r.dial(r.to(options)).has_value());
}

TEST_CASE("a server that does not negotiate HTTP/2 is rejected") {
    tls_fixture r;
    tls_server_options how;
    how.speaks_h2 = false;
    r.serve(r.ca.issue("server"), how);
    CHECK(r.refusal(r.to(r.trusting())) == "the server did not agree to speak HTTP/2 (ALPN h2): it is not etcd");
}

TEST_CASE("a server with only ciphers without forward secrecy is rejected") {
    tls_fixture r;
    tls_server_options how;
    how.max_version = TLS1_2_VERSION;
    how.ciphers = "AES128-SHA";
    r.serve(r.ca.issue("server"), how);
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server ended the handshake: no common cipher"));
}

TEST_CASE("a peer without TLS is recognized at once if it answers or closes, else at the deadline") {
    tls_fixture r;
    CHECK(r.refusal(r.to(r.trusting()), 1500ms) == "no answer in time: does its endpoint need http://?");
    tcp::socket taken = r.acceptor.accept();
    asio::co_spawn(
        r.io,
        [](tls_fixture& at) -> aio::awaitable<> {
            auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
            const auto bytes = asio::buffer("HTTP/1.1 400 Bad Request\r\n\r\n");
            co_await asio::async_write(socket, bytes, asio::use_awaitable);
            std::string space(1000, '\0');
            const auto into = asio::buffer(space);
            co_await socket.async_read_some(into, aio::as_result);
        }(r),
        asio::detached);
    CHECK(r.refusal(r.to(r.trusting())) == "the peer does not speak TLS: does its endpoint need http://?");
    asio::co_spawn(
        r.io,
        [](tls_fixture& at) -> aio::awaitable<> {
            auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
            socket.close();
        }(r),
        asio::detached);
    CHECK(r.refusal(r.to(r.trusting())) == "the peer closed the connection: does its endpoint need http://?");
}

TEST_CASE("a server without TLS 1.2 is recognized by its alert and by its answer") {
    tls_fixture r;
    const std::string alert("\x15\x03\x02\x00\x02\x02\x46", 7);
    const std::string hello = std::string("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11) + std::string(32, 'r') +
                              std::string("\x00\xc0\x13\x00", 4);
    for (const std::string& answer : {alert, hello}) {
        asio::co_spawn(
            r.io,
            [](tls_fixture& at, std::string bytes_to_send) -> aio::awaitable<> {
                auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
                const auto bytes = asio::buffer(std::as_const(bytes_to_send));
                co_await asio::async_write(socket, bytes, asio::use_awaitable);
                std::string space(1000, '\0');
                const auto into = asio::buffer(space);
                co_await socket.async_read_some(into, aio::as_result);
            }(r, answer),
            asio::detached);
        CHECK(r.refusal(r.to(r.trusting())) == "the server does not support TLS 1.2 or later");
    }
}
