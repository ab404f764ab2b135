// SPDX-License-Identifier: Apache-2.0
#include "config/read/endpoint.hpp"

#include <doctest/doctest.h>

using namespace etcdsync::config;

namespace {

fault refused(std::string_view text) {
    const auto parsed = parse_endpoint(text);
    CAPTURE(text);
    REQUIRE(parsed.has_error());
    return parsed.error();
}

bool same_address(std::string_view a, std::string_view b) {
    return address_of(*parse_endpoint(a)) == address_of(*parse_endpoint(b));
}

}  // namespace

TEST_CASE("an endpoint is scheme, host and port") {
    CHECK(*parse_endpoint("http://127.0.0.1:12379") ==
          endpoint{"http://127.0.0.1:12379", false, "127.0.0.1", 12379, ""});
    CHECK(*parse_endpoint("https://core-1.example.com:2380") ==
          endpoint{"https://core-1.example.com:2380", true, "core-1.example.com", 2380, ""});
    CHECK(parse_endpoint("http://core_1")->port == 2379);
    CHECK(parse_endpoint("HTTPS://core")->tls);
    CHECK(parse_endpoint("http://[::1]:1")->host == "::1");
    CHECK(parse_endpoint("http://[fd00::12]")->port == 2379);
    CHECK(parse_endpoint("http://a:65535")->port == 65535);
}

TEST_CASE("a Unix socket is an endpoint, too") {
    const auto parsed = parse_endpoint("unix:///run/etcd.sock");
    REQUIRE(parsed.has_value());
    CHECK(parsed->socket == "/run/etcd.sock");
    CHECK(parsed->host.empty());
    CHECK(refused("unix://run/etcd.sock").hint == "write \"unix:///path\"");
    CHECK(refused("unix:///").hint == "write \"unix:///path\"");
    CHECK(parse_endpoint("unix:///" + std::string(106, 'p')).has_value());
    CHECK(refused("unix:///" + std::string(107, 'p')).hint == "at most 107 bytes, none of them zero");
    CHECK(refused(std::string_view("unix:///a\0b", 11)).hint == "at most 107 bytes, none of them zero");
}

TEST_CASE("invalid endpoints are rejected with a hint what to write") {
    CHECK(refused("127.0.0.1:2379").hint == "write \"http://127.0.0.1:2379\"");
    CHECK(refused("localhost:2379").hint == "write \"http://localhost:2379\"");
    CHECK(refused("").message == "\"\" is not an endpoint: no scheme");
    CHECK(refused("http://a:1,http://b:1").hint == "write one string for each endpoint");
    CHECK(refused("grpc://a:1").hint == "write http:// or https://");
    CHECK(refused("http://").message == "\"http://\" is not an endpoint: no valid host");
    CHECK(refused("http://:2379").message == "\"http://:2379\" is not an endpoint: no valid host");
    CHECK(refused("http://a b").message == "\"http://a b\" is not an endpoint: not a URL");
    CHECK(refused("http://a%41").message == "\"http://a%41\" is not an endpoint: no valid host");
    CHECK(refused("http://[v1.x]").message == "\"http://[v1.x]\" is not an endpoint: no valid host");
    for (const auto* port : {"http://a:0", "http://a:65536", "http://a:99999999999", "http://a:"}) {
        CHECK(refused(port).hint == "a port is 1 to 65535");
    }
    CHECK(refused("http://a:1/").hint == "write \"http://a:1\"");
    CHECK(refused("http://[::1]/v3").hint == "write \"http://[::1]:2379\"");
    CHECK(refused("http://a?x=1").message == "\"http://a?x=1\" is not an endpoint: it has a query");
    CHECK(refused("http://a#x").message == "\"http://a#x\" is not an endpoint: it has a fragment");
}

TEST_CASE("a password in an endpoint is rejected and not printed") {
    for (const auto* text :
         {"http://root:hunter2@a:1", "root:hunter2@a:1", "http://root:hunter2@a:x", "http://root:hunter2@a,b"}) {
        const fault f = refused(text);
        CHECK(f.message.find("hunter2") == std::string::npos);
        CHECK(f.hint.find("hunter2") == std::string::npos);
    }
}

TEST_CASE("control characters of an endpoint do not reach the terminal") {
    CHECK(refused("http://a\x1b[2J").message.find('\x1b') == std::string::npos);
}

TEST_CASE("endpoints are equal if they have the same address") {
    CHECK(same_address("http://A", "http://a:2379"));
    CHECK(same_address("https://a", "http://a"));
    CHECK(same_address("http://[::1]", "http://[0:0::1]"));
    CHECK_FALSE(same_address("http://a:1", "http://a:2"));
    CHECK_FALSE(same_address("unix:///a", "unix:///b"));
}

TEST_CASE("an address to listen on is a socket or host and port") {
    CHECK(*parse_listen_address("unix:/run/x.sock") == listen_address{"/run/x.sock", "", 0});
    CHECK(*parse_listen_address("127.0.0.1:2390") == listen_address{"", "127.0.0.1", 2390});
    CHECK(*parse_listen_address("[::]:2390") == listen_address{"", "::", 2390});
    for (const auto* bad : {"", "unix:", "unix:x", "127.0.0.1", ":2390", "127.0.0.1:", "a:0", "a:1/x", "http://a:1"}) {
        CAPTURE(bad);
        CHECK(parse_listen_address(bad).has_error());
    }
}
