// SPDX-License-Identifier: Apache-2.0
#include "grpc/framing.hpp"
#include "hostile_cases.hpp"

#include <nghttp2/nghttp2.h>

namespace etcdsync::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const header_list good_headers = {{":status", "200"}, {"content-type", "application/grpc"}};
const header_list good_trailers = {{"grpc-status", "0"}};

/// Answers every request with this body and, unless the list is empty, these trailers.
hostile_case body(std::string name, std::string bytes, header_list trailers = good_trailers,
                  std::chrono::milliseconds lasts = 200ms) {
    hostile_case out{std::move(name), {}, lasts};
    out.how.answer = [bytes = std::move(bytes), trailers = std::move(trailers)](const exchange& asked) {
        asked.session.respond(asked.id, good_headers);
        asked.session.data(asked.id, bytes, trailers.empty());
        if (!trailers.empty()) asked.session.trailers(asked.id, trailers);
        return true;
    };
    return out;
}

/// Answers every request with these trailers only.
hostile_case only_trailers(std::string name, header_list list) {
    hostile_case out{std::move(name), {}};
    list.insert(list.begin(), good_headers.begin(), good_headers.end());
    out.how.answer = [list = std::move(list)](const exchange& asked) {
        constexpr std::uint8_t flags = NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM;
        asked.raw(raw_frame(NGHTTP2_HEADERS, flags, asked.id, raw_block(list)));
        return true;
    };
    return out;
}

std::string repeated(std::string_view what, std::size_t times) {
    std::string out;
    out.reserve(what.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += what;
    return out;
}

/// The prefix of a message: its flag and length.
std::string prefix(std::uint8_t flag, std::uint32_t length) { return static_cast<char>(flag) + big_endian(length); }

hostile_case status(int code, std::string text) {
    return only_trailers("status " + std::to_string(code) + ": " + text.substr(0, 60),
                         {{"grpc-status", std::to_string(code)}, {"grpc-message", text}});
}

/// A body that is sent one byte at a time.
hostile_case byte_by_byte(std::string name, std::string bytes, std::chrono::milliseconds each) {
    hostile_case out{std::move(name), {}, 1'500ms};
    out.how.answer = [bytes = std::move(bytes), each](const exchange& asked) {
        std::string first = raw_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, asked.id, raw_block(good_headers));
        for (std::size_t i = 0; asked.raw(first) && asked.wire.wait(each) && i < bytes.size(); ++i)
            first = raw_frame(NGHTTP2_DATA, 0, asked.id, bytes.substr(i, 1));
        return true;
    };
    return out;
}

}  // namespace

hostile_cases grpc_cases() {
    hostile_cases all;
    all.push_back(body("OK without a message", ""));
    all.push_back(body("no trailers", grpc::frame(""), {}));
    all.push_back(body("ends inside a prefix", "\0\0\0"s, {}));
    all.push_back(body("ends inside a message", prefix(0, 1'000) + "abc", {}));
    all.push_back(body("OK inside a message", prefix(0, 1'000) + "abc"));
    all.push_back(body("two messages", grpc::frame("") + grpc::frame("")));
    all.push_back(body("a hundred thousand empty messages", repeated(grpc::frame(""), 100'000)));
    all.push_back(body("compressed", prefix(1, 3) + "abc"));
    all.push_back(body("flag 2", prefix(2, 3) + "abc"));
    all.push_back(body("flag 255", prefix(255, 3) + "abc"));
    all.push_back(body("a message of 4 GiB", prefix(0, 0xffff'ffff) + "abc", {{"grpc-status", "0"}}));
    all.push_back(
        body("a message of 2 GiB, of which 4 MiB are sent", prefix(0, 0x7fff'ffff) + std::string(4U << 20, '\0')));
    all.push_back(body("a message of 16 MiB, of which one byte is sent", prefix(0, 16U << 20) + "a"));
    all.push_back(body("16 MiB of zeros", prefix(0, 16U << 20) + std::string(16U << 20, '\0')));
    all.push_back(body("16 MiB of ones", prefix(0, 16U << 20) + std::string(16U << 20, '\xff')));
    all.push_back(body("4 MiB of empty keys", grpc::frame(repeated("\x12\0"s, 2U << 20))));
    all.push_back(body("4 MiB of empty events", grpc::frame(repeated("\x5a\0"s, 2U << 20))));
    all.push_back(body("4 MiB of nearly empty events", grpc::frame(repeated("\x5a\x05\x12\x03\x0a\x01/", 600'000))));
    all.push_back(body("6 MiB of unknown fields", grpc::frame(repeated("\xf8\x7f\x01", 2U << 20))));
    all.push_back(body("endlessly nested groups", grpc::frame(std::string(1U << 20, '\x0b'))));
    all.push_back(body("a field of 2^63 bytes", grpc::frame("\x12\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s)));
    all.push_back(body("random bytes", grpc::frame("\x8a\x17\xfe\x03\x99 nothing of this is protobuf \xf0\x9f")));
    // Each byte is progress, so the call lasts until the bytes stop.
    all.push_back(byte_by_byte("one byte every 20 ms", prefix(0, 100'000) + std::string(200, 'x'), 20ms));
    all.push_back(body("no grpc-status in the trailers", grpc::frame(""), {{"x", "y"}}));
    all.push_back(body("garbage after the message", grpc::frame("") + "\x07garbage"));
    all.push_back(
        body("an error after a valid message", grpc::frame(""), {{"grpc-status", "13"}, {"grpc-message", "late"}}));
    return all;
}

hostile_cases status_cases() {
    hostile_cases all;
    all.push_back(only_trailers("no grpc-status", {}));
    for (const char* text : {"", "-1", "99", "0x0", "00", "0 ", "1e1", "4294967296"})
        all.push_back(only_trailers("grpc-status \"" + std::string(text) + "\"", {{"grpc-status", text}}));
    all.push_back(only_trailers("grpc-status twice", {{"grpc-status", "0"}, {"grpc-status", "14"}}));
    for (int code = 1; code <= 16; ++code) all.push_back(status(code, "no words of etcd"));
    all.push_back(status(14, "%1b[31mred%0d%0afake=line%00%07"));
    all.push_back(status(14, "%zz%%%e2%28%a1%ff%c2%9b2J"));
    all.push_back(status(2, std::string(15'000, 'w')));
    all.push_back(status(2, std::string(100'000, 'w')));
    all.push_back(status(11, "etcdserver: mvcc: required revision has been compacted"));
    all.push_back(status(11, "etcdserver: mvcc: required revision is a future revision"));
    all.push_back(status(3, "etcdserver: too many operations in txn request"));
    all.push_back(status(3, "etcdserver: request is too large"));
    all.push_back(status(3, "etcdserver: duplicate key given in txn request"));
    all.push_back(status(8, "etcdserver: mvcc: database space exceeded"));
    all.push_back(status(16, "etcdserver: invalid auth token"));
    all.push_back(status(7, "etcdserver: permission denied"));
    all.push_back(status(3, "etcdserver: authentication failed, invalid user ID or password"));
    all.push_back(status(3, "etcdserver: user name is empty"));
    all.push_back(status(14, "etcdserver: no leader"));
    all.push_back(status(14, "etcdserver: not capable"));
    all.push_back(status(14, "etcdserver: request timed out"));
    return all;
}

}  // namespace etcdsync::test
