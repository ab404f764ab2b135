// SPDX-License-Identifier: Apache-2.0
// Tests TLS against an Asio server in the same loop, with certificates made for the test.
#include "net/http2_channel.hpp"
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

#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;
using aio::asio::ip::tcp;
namespace asio = aio::asio;
namespace ssl = asio::ssl;

namespace {

using dialed = net::result<std::unique_ptr<net::byte_stream>>;

int choose_h2(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned length,
              void*) {
    static constexpr unsigned char h2[] = {2, 'h', '2'};
    return SSL_select_next_proto(const_cast<unsigned char**>(out), size, h2, sizeof h2, offered, length) ==
                   OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/// How the server of a test behaves.
struct server_options {
    bool speaks_h2 = true;
    bool requires_certificate = false;
    int max_version = TLS1_3_VERSION;
    const char* ciphers = nullptr;
};

struct fixture {
    /// Serves one connection: handshake, then echoes all bytes.
    void serve(const test::certificate& as, const server_options& how = {}) {
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
        return {"https://" + host, host, port, std::make_shared<net::tls_client>(std::move(options), logger), {}};
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
    asio::io_context io{1};
    aio::system_clock clock{io.get_executor()};
    net::socket_dialer dialer{clock};
    tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
};

aio::awaitable<net::result<std::string>> say(net::byte_stream& to, std::string words) {
    const auto bytes = asio::buffer(std::as_const(words));
    const auto written = co_await to.write(bytes);
    if (!written) co_return written.error();
    std::string space(100, '\0');
    const auto into = asio::buffer(space);
    const auto size = co_await to.read_some(into);
    if (!size) co_return size.error();
    space.resize(*size);
    co_return net::result<std::string>(boost::system::in_place_value, std::move(space));
}

test::certificate_options named(const std::string& names) {
    test::certificate_options out;
    out.names = names;
    return out;
}

}  // namespace

TEST_CASE("a TLS connection carries bytes in both directions, to an address and to a name") {
    fixture r;
    const auto server = r.ca.issue("server");
    for (const char* host : {"127.0.0.1", "localhost"}) {
        for (const int max_version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            server_options how;
            how.max_version = max_version;
            r.serve(server, how);
            auto stream = r.dial(r.to(r.trusting(), host));
            REQUIRE(stream.has_value());
            const auto echoed = r.run(say(**stream, "ping"));
            REQUIRE(echoed.has_value());
            CHECK(*echoed == "ping");
            (*stream)->close();
            (*stream)->close();
        }
    }
}

TEST_CASE("a server certificate that is not signed by the CA is rejected") {
    fixture r;
    const test::certificate_authority other(r.dir.path(), "other");
    r.serve(other.issue("server"));
    const std::string why = r.refusal(r.to(r.trusting()));
    CHECK(why.find("is not trusted") != std::string::npos);
    CHECK(why.find("tls.ca = " + r.ca.file()) != std::string::npos);
}

TEST_CASE("a certificate for other names is rejected with these names; tls.server_name overrides the expected name") {
    fixture r;
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
    fixture r;
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
    fixture r;
    const test::certificate_authority other(r.dir.path(), "other");
    r.serve(other.issue("server", named("DNS:elsewhere")));
    net::tls_options options = r.trusting();
    options.insecure_skip_verify = true;
    CHECK(r.dial(r.to(options)).has_value());
}

TEST_CASE("a server that does not negotiate HTTP/2 is rejected") {
    fixture r;
    server_options how;
    how.speaks_h2 = false;
    r.serve(r.ca.issue("server"), how);
    CHECK(r.refusal(r.to(r.trusting())) == "the server did not agree to speak HTTP/2 (ALPN h2): it is not etcd");
}

TEST_CASE("a server with only ciphers without forward secrecy is rejected") {
    fixture r;
    server_options how;
    how.max_version = TLS1_2_VERSION;
    how.ciphers = "AES128-SHA";
    r.serve(r.ca.issue("server"), how);
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server ended the handshake: no common cipher"));
}

TEST_CASE("a peer without TLS is recognized at once if it answers or closes, else at the deadline") {
    fixture r;
    CHECK(r.refusal(r.to(r.trusting()), 1500ms) == "no answer in time: does its endpoint need http://?");
    tcp::socket taken = r.acceptor.accept();
    asio::co_spawn(
        r.io,
        [](fixture& at) -> aio::awaitable<> {
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
        [](fixture& at) -> aio::awaitable<> {
            auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
            socket.close();
        }(r),
        asio::detached);
    CHECK(r.refusal(r.to(r.trusting())) == "the peer closed the connection: does its endpoint need http://?");
}

TEST_CASE("a server that requires a certificate gets ours; its rejection of a missing or wrong one is reported") {
    fixture r;
    const auto server = r.ca.issue("server");
    const test::certificate_authority other(r.dir.path(), "other");
    const auto ours = r.ca.issue("ours");
    const auto unknown = other.issue("unknown");
    server_options how;
    how.requires_certificate = true;
    for (const int max_version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(max_version);
        how.max_version = max_version;
        net::tls_options options = r.trusting();
        options.cert = ours.cert;
        options.key = ours.key;
        r.serve(server, how);
        CHECK(r.dial(r.to(options)).has_value());

        // With TLS 1.3 the rejection only arrives after the handshake, with the first read.
        const auto outcome = [&](const net::tls_options& with) {
            r.serve(server, how);
            auto stream = r.dial(r.to(with));
            if (!stream) return stream.error();
            const auto answer = r.run(say(**stream, "ping"));
            REQUIRE(answer.has_error());
            return answer.error();
        };
        const net::failure without = outcome(r.trusting());
        // With TLS 1.2 OpenSSL's server sends an ambiguous alert; etcd does not.
        CHECK(without.access_denied == (max_version == TLS1_3_VERSION));
        CHECK(without.text.find("requires a client certificate") != std::string::npos);
        options.cert = unknown.cert;
        options.key = unknown.key;
        const net::failure wrong = outcome(options);
        CHECK(wrong.access_denied);
        CHECK(wrong.text.ends_with(')'));  // its validity is not the reason
        CHECK(wrong.text.find("the server refused our client certificate") != std::string::npos);
        const auto with_dates = [&](std::chrono::hours from, std::chrono::hours to) {
            test::certificate_options dates;
            dates.from = from;
            dates.to = to;
            const auto late = r.ca.issue("late", dates);
            options.cert = late.cert;
            options.key = late.key;
            const net::failure refused = outcome(options);
            CHECK(refused.access_denied);
            return refused.text;
        };
        CHECK(with_dates(-48h, -24h).find("refused our client certificate (certificate expired): ours expired at 20") !=
              std::string::npos);
        CHECK(with_dates(24h, 48h).find("): ours is not valid before 20") != std::string::npos);
    }
}

TEST_CASE("our certificate loads although it is not valid now, with a warning") {
    fixture r;
    const auto warning = [&](std::chrono::hours from, std::chrono::hours to) {
        test::certificate_options dates;
        dates.from = from;
        dates.to = to;
        const auto ours = r.ca.issue("ours", dates);
        net::tls_options options = r.trusting();
        options.cert = ours.cert;
        options.key = ours.key;
        net::tls_client client(options, r.logger);
        CHECK(client.check().has_value());
        return client.certificate_warning();
    };
    CHECK(warning(-1h, 24h).empty());
    CHECK(warning(-48h, -24h).find("/ours.pem expired at 20") != std::string::npos);
    CHECK(warning(24h, 48h).find("/ours.pem is not valid before 20") != std::string::npos);
    CHECK(net::tls_client(r.trusting(), r.logger).certificate_warning().empty());
}

TEST_CASE("a server without TLS 1.2 is recognized by its alert and by its answer") {
    fixture r;
    const std::string alert("\x15\x03\x02\x00\x02\x02\x46", 7);
    const std::string hello = std::string("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11) + std::string(32, 'r') +
                              std::string("\x00\xc0\x13\x00", 4);
    for (const std::string& answer : {alert, hello}) {
        asio::co_spawn(
            r.io,
            [](fixture& at, std::string words) -> aio::awaitable<> {
                auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
                const auto bytes = asio::buffer(std::as_const(words));
                co_await asio::async_write(socket, bytes, asio::use_awaitable);
                std::string space(1000, '\0');
                const auto into = asio::buffer(space);
                co_await socket.async_read_some(into, aio::as_result);
            }(r, answer),
            asio::detached);
        CHECK(r.refusal(r.to(r.trusting())) == "the server does not support TLS 1.2 or later");
    }
}

TEST_CASE("the error names files that are missing, empty or do not belong together") {
    fixture r;
    const auto ours = r.ca.issue("ours");
    const auto others = r.ca.issue("others");
    const auto why = [&](const net::tls_options& options) {
        net::tls_client client(options, r.logger);
        const auto checked = client.check();
        return checked ? "" : checked.error().text;
    };
    net::tls_options options = r.trusting();
    options.cert = ours.cert;
    options.key = ours.key;
    CHECK(why(options).empty());
    options.key = others.key;
    CHECK(why(options) == "the key " + others.key + " does not belong to the certificate " + ours.cert);
    options.key = r.dir.path() + "/missing.key";
    CHECK(why(options).find("missing.key: No such file") != std::string::npos);
    options = r.trusting();
    options.ca = r.dir.path() + "/empty.pem";
    test::replace_file(options.ca, "");
    CHECK(why(options).find("empty.pem") != std::string::npos);
}

TEST_CASE("replaced certificates are used for the next connection; an incomplete pair keeps the old ones") {
    fixture r;
    const test::certificate_authority next(r.dir.path(), "next");
    const auto old_server = r.ca.issue("server");
    const auto new_server = next.issue("next-server");
    net::tls_options options;
    options.ca = r.dir.path() + "/trusted.pem";
    const auto copy = [&](const std::string& from, const std::string& to) {
        std::ifstream file(from);
        test::replace_file(to, std::string(std::istreambuf_iterator<char>(file), {}));
    };
    copy(r.ca.file(), options.ca);
    const auto ours = r.ca.issue("ours");
    options.cert = r.dir.path() + "/used.pem";
    options.key = r.dir.path() + "/used.key";
    copy(ours.cert, options.cert);
    copy(ours.key, options.key);
    const net::endpoint where = r.to(options);
    r.serve(old_server);
    CHECK(r.dial(where).has_value());
    r.serve(new_server);
    CHECK(r.dial(where).has_error());
    copy(next.file(), options.ca);
    r.serve(new_server);
    CHECK(r.dial(where).has_value());
    CHECK(r.lines.count("certificates reloaded") == 1);

    const auto others = next.issue("others");
    copy(others.cert, options.cert);
    for (int i = 0; i < 3; ++i) {
        r.serve(new_server);
        CHECK(r.dial(where).has_value());
    }
    CHECK(r.lines.count("cannot load the changed certificates") == 1);
    copy(others.key, options.key);
    r.serve(new_server);
    CHECK(r.dial(where).has_value());
    CHECK(r.lines.count("certificates reloaded") == 2);
}
