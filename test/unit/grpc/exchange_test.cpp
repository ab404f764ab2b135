// SPDX-License-Identifier: Apache-2.0
#include "grpc/call_state.hpp"
#include "sink.hpp"
#include "support/http2_server.hpp"

using namespace etcdsync;

namespace {

/// One call over a real session, connected as net/ does it.
struct client : http2::events {
    http2::session session{*this, {}};
    grpc::call_state state{1U << 20};
    grpc::collector got;

    void on_headers(http2::stream_id, const std::vector<http2::header>& h, bool end) override {
        state.on_headers(h, end);
    }
    void on_data(http2::stream_id id, std::string_view bytes) override {
        state.on_data(bytes, got);
        session.consume(id, bytes.size());
    }
    void on_close(http2::stream_id, http2::error_code code, bool unprocessed) override {
        state.on_close(code, unprocessed);
    }
    void on_goaway(http2::error_code, std::string_view) override {}
    void on_ping_ack(std::uint64_t) override {}

    http2::stream_id call(std::string_view message) {
        const auto id = session.submit_request(grpc::request_headers("/s/m", "test:1", false, {}));
        REQUIRE(id.has_value());
        session.send(*id, grpc::frame(message), true);
        return *id;
    }

    void pump(test::http2_server& server) {
        while (true) {
            std::string out;
            REQUIRE(session.pull(out).has_value());
            server.feed(out);
            const std::string in = server.pull();
            if (out.empty() && in.empty()) return;
            REQUIRE(session.feed(in).has_value());
        }
    }
};

}  // namespace

TEST_CASE("a unary call over a real session") {
    client c;
    test::http2_server server;
    server.on_end = [&](http2::stream_id id) {
        server.respond(id, {{":status", "200"}, {"content-type", "application/grpc"}});
        server.data(id, server.request(id).body);
        server.trailers(id, {{"grpc-status", "0"}});
    };
    const std::string message(200'000, 'm');
    const auto id = c.call(message);
    c.pump(server);
    REQUIRE(c.state.final_status());
    CHECK(c.state.final_status()->ok());
    CHECK(c.got.messages == std::vector<std::string>{message});
    CHECK(server.request(id).value("te") == "trailers");
    CHECK(server.request(id).value("content-type") == "application/grpc");
}

TEST_CASE("a streamed response with one byte per frame") {
    client c;
    test::http2_server server;
    const auto id = c.call("x");
    c.pump(server);
    server.respond(id, {{":status", "200"}, {"content-type", "application/grpc"}});
    for (const char byte : grpc::frame("first") + grpc::frame("second")) {
        server.data(id, std::string(1, byte));
        c.pump(server);
    }
    CHECK(c.got.messages == std::vector<std::string>{"first", "second"});
    CHECK_FALSE(c.state.final_status());
    server.reset(id, http2::error_code::no_error);
    c.pump(server);
    CHECK(c.state.final_status()->value == grpc::code::internal);
}

TEST_CASE("a refused request is reported as unprocessed") {
    client c;
    test::http2_server server;
    server.on_end = [&](http2::stream_id id) { server.reset(id, http2::error_code::refused_stream); };
    c.call("x");
    c.pump(server);
    CHECK(c.state.final_status()->value == grpc::code::unavailable);
    CHECK(c.state.final_status()->unprocessed);
}

TEST_CASE("a response with headers above the limit ends the call with an error") {
    client c;
    test::http2_server server;
    server.on_end = [&](http2::stream_id id) {
        server.respond(id,
                       {{":status", "200"}, {"content-type", "application/grpc"}, {"big", std::string(20'000, 'x')}});
    };
    c.call("x");
    c.pump(server);
    CHECK(c.state.final_status()->value == grpc::code::internal);
}
