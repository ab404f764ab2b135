// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <algorithm>
#include <array>
#include <random>
#include <set>

using namespace etcdsync::http2;
using etcdsync::test::big_endian;

namespace {

/// Random frames, most of them valid, for the streams that an owner may have open.
class garbage {
public:
    explicit garbage(unsigned seed) : random_(seed) {}

    unsigned below(unsigned n) { return std::uniform_int_distribution<unsigned>(0, n - 1)(random_); }

    std::string frame() {
        const auto id = static_cast<stream_id>(1 + 2 * below(6));
        switch (below(12)) {
            case 0: return raw_frame(type::headers, flag::end_headers, id, raw_block(ok_headers));
            case 1: return raw_frame(type::headers, 5, id, raw_block(ok_trailers));
            case 2: return raw_frame(type::headers, 5, id, raw_block({{":status", "200"}, {"grpc-status", "0"}}));
            case 3: return raw_frame(type::headers, flag::end_headers, id, raw_block({{":status", "103"}}));
            case 4:
                return raw_frame(type::data, static_cast<std::uint8_t>(below(2)), id, std::string(below(3'000), 'd'));
            case 5: return raw_frame(type::data, flag::padded, id, "\3" + std::string(3 + below(50), '\0'));
            case 6: return raw_frame(type::rst_stream, 0, id, big_endian(below(16)));
            case 7: return raw_frame(type::settings, 0, 0, std::string("\0\4", 2) + big_endian(below(100'000)));
            case 8: return raw_frame(type::ping, static_cast<std::uint8_t>(below(2)), 0, "12345678");
            case 9: return raw_frame(type::window_update, 0, below(2) == 0 ? 0 : id, big_endian(1 + below(1'000)));
            case 10:
                return below(30) == 0 ? raw_frame(type::goaway, 0, 0, big_endian(2 * below(6) + 1) + big_endian(0))
                                      : "";
            default: return raw_frame(static_cast<std::uint8_t>(11 + below(200)), 0, id, "unknown");
        }
    }

    void damage(std::string& bytes) {
        if (!bytes.empty() && below(400) == 0)
            bytes[below(static_cast<unsigned>(bytes.size()))] = static_cast<char>(below(256));
    }

private:
    std::mt19937 random_;
};

/// Checks that each stream ends once and has no events after that.
class strict_recorder : public recorder {
public:
    std::set<stream_id> open;

    void on_headers(stream_id id, const std::vector<header>& headers, bool end_stream) override {
        CHECK(open.contains(id));
        recorder::on_headers(id, headers, end_stream);
    }
    void on_data(stream_id id, std::string_view bytes) override {
        CHECK(open.contains(id));
        unreleased[id] += bytes.size();
    }
    void on_close(stream_id id, error_code, bool) override { CHECK(open.erase(id) == 1); }
};

/// Runs one connection with a random owner and a random peer. True if it did not fail.
bool play(unsigned seed) {
    garbage random(seed);
    strict_recorder sink;
    session client(sink, {});
    std::string out;
    const auto open = [&] {
        const std::array<header_view, 1> headers = {{{":method", "POST"}}};
        if (const auto opened = client.submit_request(headers)) sink.open.insert(*opened);
    };
    const auto act = [&] {
        const auto id = static_cast<stream_id>(1 + 2 * random.below(6));
        switch (random.below(8)) {
            case 0:
            case 1: open(); break;
            case 2: client.reset(id, error_code::cancel); break;
            case 3: client.ping(seed); break;
            case 4: client.send(id, std::string(random.below(2'000), 'u'), false); break;
            case 5: client.consume(id, std::exchange(sink.unreleased[id], 0)); break;
            default: return client.pull(out).has_value();
        }
        return true;
    };
    std::string in = raw_frame(type::settings, 0, 0);
    for (stream_id id = 1; id < 12; id += 2) {
        open();
        in += raw_frame(type::headers, flag::end_headers, id, raw_block(ok_headers));
    }
    CHECK(client.pull(out).has_value());
    for (int step = 0; step < 60; ++step) {
        in += random.frame();
        random.damage(in);
        const std::size_t size = std::min<std::size_t>(in.size(), random.below(4'000));
        if (!client.feed(in.substr(0, size)).has_value()) return false;
        in.erase(0, size);
        if (!act()) return false;
        CHECK(client.open_streams() <= sink.open.size());
    }
    CHECK(client.pull(out).has_value());
    CHECK(client.open_streams() == sink.open.size());
    return true;
}

}  // namespace

TEST_CASE("a session stays consistent with any owner and any peer") {
    int survived = 0;
    for (unsigned seed = 0; seed < 3'000; ++seed) {
        CAPTURE(seed);
        survived += play(seed) ? 1 : 0;
    }
    MESSAGE("connections that survived: " << survived << " of 3000");
    CHECK(survived > 100);
    CHECK(survived < 2'900);
}
