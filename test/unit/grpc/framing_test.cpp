// SPDX-License-Identifier: Apache-2.0
#include "grpc/framing.hpp"

#include "sink.hpp"

#include <algorithm>
#include <random>

using namespace etcdsync::grpc;
using namespace std::string_literals;

TEST_CASE("a framed message consists of a flag, the length in big-endian order and the message") {
    CHECK(frame("") == "\0\0\0\0\0"s);
    CHECK(frame("abc") == "\0\0\0\0\3abc"s);
    CHECK(frame(std::string(0x10203, 'x')).substr(0, 6) == "\0\0\1\2\3x"s);
    std::string out(7, '?');
    write_prefix(out, 0xfedcba98);
    CHECK(out == "\0\xfe\xdc\xba\x98??"s);
}

TEST_CASE("the messages do not depend on how the body is split") {
    const std::vector<std::string> sent = {
        "", "a", "", "", "bcdef", std::string(300, 'x'), "\0\0\0\0\5"s, std::string(70'000, 'y'), ""};
    std::string body;
    for (const auto& m : sent) body += frame(m);
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        // Sizes 1, 2, 3 ... first, then random ones, small and large.
        const std::size_t most = round < 50 ? static_cast<std::size_t>(round) + 1 : (round % 3 == 0 ? 8 : 2'000);
        std::uniform_int_distribution<std::size_t> sizes(round < 50 ? most : 0, most);
        deframer d(100'000);
        collector got;
        CHECK(d.at_boundary());
        for (std::string_view rest = body; !rest.empty();) {
            const std::size_t n = std::min(rest.size(), sizes(random));
            REQUIRE(d.feed(rest.substr(0, n), got).has_value());
            rest.remove_prefix(n);
        }
        CHECK(d.at_boundary());
        CHECK(got.messages == sent);
    }
}

TEST_CASE("at_boundary() is true only between messages") {
    const std::string body = frame("abc");
    for (std::size_t size = 0; size <= body.size(); ++size) {
        deframer d(10);
        collector got;
        REQUIRE(d.feed(body.substr(0, size), got).has_value());
        CHECK(d.at_boundary() == (size == 0 || size == body.size()));
    }
}

TEST_CASE("a length above the limit is rejected before anything is stored") {
    deframer d(1'000);
    collector got;
    REQUIRE(d.feed(frame(std::string(1'000, 'x')), got).has_value());
    const auto fed = d.feed("\0\0\0\x03\xe9"s + std::string(1'001, 'x'), got);
    REQUIRE_FALSE(fed.has_value());
    CHECK(fed.error().value == code::resource_exhausted);
    CHECK(fed.error().from == origin::connection);
    CHECK(fed.error().message == "the server sends a message of 1001 bytes, more than the limit of 1000");
    CHECK(got.sizes == std::vector<std::size_t>{1'000});
    CHECK_FALSE(d.feed("more", got).has_value());
    CHECK_FALSE(d.feed("", got).has_value());
}

TEST_CASE("the largest possible length does not overflow") {
    collector got;
    deframer d(1U << 30);
    CHECK_FALSE(d.feed("\0\xff\xff\xff\xff"s, got).has_value());
    CHECK(got.messages.empty());
    deframer unlimited(~std::size_t{0});
    REQUIRE(unlimited.feed("\0\xff\xff\xff\xffx"s, got).has_value());
    CHECK(got.sizes == std::vector<std::size_t>{0xffff'ffff});
    CHECK_FALSE(unlimited.at_boundary());
}

TEST_CASE("compressed messages and unknown flags are rejected when the prefix is complete") {
    for (int flag = 1; flag < 256; ++flag) {
        deframer d(10);
        collector got;
        const std::string body = static_cast<char>(flag) + "\0\0\0\1x"s;
        CHECK(d.feed(body.substr(0, 4), got).has_value());
        const auto fed = d.feed(body.substr(4), got);
        REQUIRE_FALSE(fed.has_value());
        CHECK(fed.error().value == code::internal);
        CHECK((fed.error().message.find("compressed") != std::string::npos) == (flag == 1));
        CHECK(got.messages.empty());
    }
}
