// SPDX-License-Identifier: Apache-2.0
// TLS against a server of Asio's in the same loop, with certificates made for the test.
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

/// What the server of a test is like.
struct manners {
    bool speaks_h2 = true;
    bool wants_certificate = false;
    int newest = TLS1_3_VERSION;
    const char* ciphers = nullptr;
};

struct rig {
    /// Serves one connection: shakes hands, echoes what comes, ends.
    void serve(const test::certificate& as, const manners& how = {}) {
        auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
        context->use_certificate_chain_file(as.cert);
        context->use_private_key_file(as.key, ssl::context::pem);
        SSL_CTX_set_max_proto_version(context->native_handle(), how.newest);
        if (how.ciphers != nullptr) SSL_CTX_set_cipher_list(context->native_handle(), how.ciphers);
        if (how.speaks_h2) SSL_CTX_set_alpn_select_cb(context->native_handle(), choose_h2, nullptr);
        if (how.wants_certificate) {
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

    /// Why it is not connected to.
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

TEST_CASE("a connection by TLS carries bytes both ways, by an address and by a name") {
    rig r;
    const auto server = r.ca.issue("server");
    for (const char* host : {"127.0.0.1", "localhost"}) {
        for (const int newest : {TLS1_2_VERSION, TLS1_3_VERSION}) {
            manners how;
            how.newest = newest;
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

TEST_CASE("a server whose certificate is not signed by the CA is not talked to") {
    rig r;
    const test::certificate_authority other(r.dir.path(), "other");
    r.serve(other.issue("server"));
    const std::string why = r.refusal(r.to(r.trusting()));
    CHECK(why.find("is not trusted") != std::string::npos);
    CHECK(why.find("tls.ca = " + r.ca.file()) != std::string::npos);
}

TEST_CASE("a certificate for another name is refused with the names it is for; tls.server_name says which is meant") {
    rig r;
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

TEST_CASE("an expired certificate is refused with its date, and so is one of tomorrow") {
    rig r;
    test::certificate_options how;
    how.from = -48h;
    how.to = -24h;
    r.serve(r.ca.issue("old", how));
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server's certificate expired at 20"));
    how.from = 24h;
    how.to = 48h;
    r.serve(r.ca.issue("new", how));
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server's certificate is valid from 20"));
}

TEST_CASE("insecure_skip_verify takes any certificate") {
    rig r;
    const test::certificate_authority other(r.dir.path(), "other");
    r.serve(other.issue("server", named("DNS:elsewhere")));
    net::tls_options options = r.trusting();
    options.insecure_skip_verify = true;
    CHECK(r.dial(r.to(options)).has_value());
}

TEST_CASE("a server that does not agree to HTTP/2 is no etcd") {
    rig r;
    manners how;
    how.speaks_h2 = false;
    r.serve(r.ca.issue("server"), how);
    CHECK(r.refusal(r.to(r.trusting())) == "the server did not agree to speak HTTP/2 (ALPN h2): it is no etcd");
}

TEST_CASE("a server that only has ciphers without forward secrecy is not talked to") {
    rig r;
    manners how;
    how.newest = TLS1_2_VERSION;
    how.ciphers = "AES128-SHA";
    r.serve(r.ca.issue("server"), how);
    CHECK(r.refusal(r.to(r.trusting())).starts_with("the server ended the handshake: it has no cipher in common"));
}

TEST_CASE("a peer without TLS that is silent costs the deadline, one that speaks or hangs up nothing") {
    rig r;
    CHECK(r.refusal(r.to(r.trusting()), 1500ms) == "no answer in time: does its endpoint need http://?");
    tcp::socket taken = r.acceptor.accept();
    asio::co_spawn(
        r.io,
        [](rig& at) -> aio::awaitable<> {
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
        [](rig& at) -> aio::awaitable<> {
            auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
            socket.close();
        }(r),
        asio::detached);
    CHECK(r.refusal(r.to(r.trusting())) == "the peer closed the connection: does its endpoint need http://?");
}

TEST_CASE("a server that wants a certificate gets ours; without one, or with a wrong one, it refuses us in its words") {
    rig r;
    const auto server = r.ca.issue("server");
    const test::certificate_authority other(r.dir.path(), "other");
    const auto ours = r.ca.issue("ours");
    const auto foreign = other.issue("foreign");
    manners how;
    how.wants_certificate = true;
    for (const int newest : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(newest);
        how.newest = newest;
        net::tls_options options = r.trusting();
        options.cert = ours.cert;
        options.key = ours.key;
        r.serve(server, how);
        CHECK(r.dial(r.to(options)).has_value());

        // With TLS 1.3 it tells only after the handshake: with the first read.
        const auto outcome = [&](const net::tls_options& with) {
            r.serve(server, how);
            auto stream = r.dial(r.to(with));
            if (!stream) return stream.error();
            const auto answer = r.run(say(**stream, "ping"));
            REQUIRE(answer.has_error());
            return answer.error();
        };
        const net::failure without = outcome(r.trusting());
        // With TLS 1.2 OpenSSL's server sends an alert that may mean more than that; etcd's does not.
        CHECK(without.access_denied == (newest == TLS1_3_VERSION));
        CHECK(without.text.find("wants a client certificate") != std::string::npos);
        options.cert = foreign.cert;
        options.key = foreign.key;
        const net::failure wrong = outcome(options);
        CHECK(wrong.access_denied);
        CHECK(wrong.text.ends_with(')'));  // its date is no cause
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
        CHECK(with_dates(24h, 48h).find("): ours is valid from 20") != std::string::npos);
    }
}

TEST_CASE("a certificate of ours that is out of date is doubted, though it loads") {
    rig r;
    const auto doubt = [&](std::chrono::hours from, std::chrono::hours to) {
        test::certificate_options dates;
        dates.from = from;
        dates.to = to;
        const auto ours = r.ca.issue("ours", dates);
        net::tls_options options = r.trusting();
        options.cert = ours.cert;
        options.key = ours.key;
        net::tls_client client(options, r.logger);
        CHECK(client.check().has_value());
        return client.doubt();
    };
    CHECK(doubt(-1h, 24h).empty());
    CHECK(doubt(-48h, -24h).find("/ours.pem expired at 20") != std::string::npos);
    CHECK(doubt(24h, 48h).find("/ours.pem is valid from 20") != std::string::npos);
    CHECK(net::tls_client(r.trusting(), r.logger).doubt().empty());
}

TEST_CASE("a server that speaks only TLS older than 1.2 is told as such, by its alert and by its answer") {
    rig r;
    const std::string alert("\x15\x03\x02\x00\x02\x02\x46", 7);
    const std::string hello = std::string("\x16\x03\x02\x00\x2a\x02\x00\x00\x26\x03\x02", 11) + std::string(32, 'r') +
                              std::string("\x00\xc0\x13\x00", 4);
    for (const std::string& answer : {alert, hello}) {
        asio::co_spawn(
            r.io,
            [](rig& at, std::string words) -> aio::awaitable<> {
                auto socket = co_await at.acceptor.async_accept(asio::use_awaitable);
                const auto bytes = asio::buffer(std::as_const(words));
                co_await asio::async_write(socket, bytes, asio::use_awaitable);
                std::string space(1000, '\0');
                const auto into = asio::buffer(space);
                co_await socket.async_read_some(into, aio::as_result);
            }(r, answer),
            asio::detached);
        CHECK(r.refusal(r.to(r.trusting())) == "the server speaks only TLS older than 1.2");
    }
}

TEST_CASE("files that are missing, empty, or do not fit together are told by name") {
    rig r;
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

TEST_CASE("certificates that are replaced are used for the next connection; a pair half replaced leaves the old ones") {
    rig r;
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
    CHECK(r.lines.count("certificates were read anew") == 1);

    const auto others = next.issue("others");
    copy(others.cert, options.cert);
    for (int i = 0; i < 3; ++i) {
        r.serve(new_server);
        CHECK(r.dial(where).has_value());
    }
    CHECK(r.lines.count("the changed certificates can not be used") == 1);
    copy(others.key, options.key);
    r.serve(new_server);
    CHECK(r.dial(where).has_value());
    CHECK(r.lines.count("certificates were read anew") == 2);
}
