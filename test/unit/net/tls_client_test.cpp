// SPDX-License-Identifier: Apache-2.0
#include "tls_support.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace etcdsync;
using namespace std::chrono_literals;
using net::tls_fixture;
using net::tls_server_options;

namespace {

/// Connects to a server that requires a certificate, which must fail, and returns the reason.
net::failure rejection(tls_fixture& r, const test::certificate& server, int max_version,
                       const net::tls_options& options) {
    tls_server_options how;
    how.requires_certificate = true;
    how.max_version = max_version;
    r.serve(server, how);
    auto stream = r.dial(r.to(options));
    if (!stream) return stream.error();
    // With TLS 1.3 the rejection only arrives after the handshake, with the first read.
    const auto answer = r.run(send_and_read(**stream, "ping"));
    REQUIRE(answer.has_error());
    return answer.error();
}

/// The options of a client whose certificate is valid from and to these times from now.
net::tls_options dated(tls_fixture& r, std::chrono::hours from, std::chrono::hours to) {
    test::certificate_options dates;
    dates.from = from;
    dates.to = to;
    const auto ours = r.ca.issue("ours", dates);
    net::tls_options options = r.trusting();
    options.cert = ours.cert;
    options.key = ours.key;
    return options;
}

}  // namespace

TEST_CASE("a server that requires a certificate gets ours; its rejection of a missing or wrong one is reported") {
    tls_fixture r;
    const auto server = r.ca.issue("server");
    const test::certificate_authority other(r.dir.path(), "other");
    const auto ours = r.ca.issue("ours");
    const auto unknown = other.issue("unknown");
    for (const int max_version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(max_version);
        tls_server_options how;
        how.requires_certificate = true;
        how.max_version = max_version;
        net::tls_options options = r.trusting();
        options.cert = ours.cert;
        options.key = ours.key;
        r.serve(server, how);
        CHECK(r.dial(r.to(options)).has_value());

        const net::failure without = rejection(r, server, max_version, r.trusting());
        // With TLS 1.2 OpenSSL's server sends an ambiguous alert; etcd does not.
        CHECK(without.access_denied == (max_version == TLS1_3_VERSION));
        CHECK(without.text.find("requires a client certificate") != std::string::npos);
        options.cert = unknown.cert;
        options.key = unknown.key;
        const net::failure wrong = rejection(r, server, max_version, options);
        CHECK(wrong.access_denied);
        CHECK(wrong.text.ends_with(')'));  // its validity is not the reason
        CHECK(wrong.text.find("the server refused our client certificate") != std::string::npos);
    }
}

TEST_CASE("the rejection of our certificate says if it has expired or is not valid yet") {
    tls_fixture r;
    const auto server = r.ca.issue("server");
    for (const int max_version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(max_version);
        const auto with_dates = [&](std::chrono::hours from, std::chrono::hours to) {
            const net::tls_options options = dated(r, from, to);
            const net::failure refused = rejection(r, server, max_version, options);
            CHECK(refused.access_denied);
            return refused.text;
        };
        CHECK(with_dates(-48h, -24h).find("refused our client certificate (certificate expired): ours expired at 20") !=
              std::string::npos);
        CHECK(with_dates(24h, 48h).find("): ours is not valid before 20") != std::string::npos);
    }
}

TEST_CASE("our certificate loads although it is not valid now, with a warning") {
    tls_fixture r;
    const auto warning = [&](std::chrono::hours from, std::chrono::hours to) {
        const net::tls_options options = dated(r, from, to);
        net::tls_client client(options, r.files, r.logger);
        CHECK(client.check().has_value());
        return client.certificate_warning();
    };
    CHECK(warning(-1h, 24h).empty());
    CHECK(warning(-48h, -24h).find("/ours.pem expired at 20") != std::string::npos);
    CHECK(warning(24h, 48h).find("/ours.pem is not valid before 20") != std::string::npos);
    CHECK(net::tls_client(r.trusting(), r.files, r.logger).certificate_warning().empty());
}

TEST_CASE("the error names files that are missing, empty or do not belong together") {
    tls_fixture r;
    const auto ours = r.ca.issue("ours");
    const auto others = r.ca.issue("others");
    const auto why = [&](const net::tls_options& options) {
        net::tls_client client(options, r.files, r.logger);
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
    tls_fixture r;
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
