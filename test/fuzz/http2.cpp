// SPDX-License-Identifier: Apache-2.0
#include "entries.hpp"
#include "http2/session.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace etcdsync::fuzz {
namespace {

constexpr std::size_t most_chunks = 500;  // more are only slow

/// Every other request is whole at once; of the others more may follow.
bool asks_whole(http2::stream_id id) { return (id & 2) == 0; }

/// An owner of a session who holds it to its word, and acts from inside its events as the input says.
class owner final : public http2::events {
public:
    explicit owner(unsigned habits) : habits_(habits) {}

    http2::session* session = nullptr;
    std::set<http2::stream_id> open;
    std::map<http2::stream_id, std::size_t> owed;

    void on_headers(http2::stream_id id, const std::vector<http2::header>& headers, bool) override {
        promise(open.contains(id), "headers of a stream that is not open");
        promise(headers.size() <= 64, "too many headers");
        std::size_t size = 0;
        for (const auto& h : headers) size += h.name.size() + h.value.size();
        promise(size <= 16U << 10, "too large headers");
        if ((habits_ & 1U) != 0) session->reset(id, http2::error_code::cancel);
    }
    void on_data(http2::stream_id id, std::string_view bytes) override {
        promise(open.contains(id), "data of a stream that is not open");
        promise(!bytes.empty(), "data without bytes");
        if ((habits_ & 2U) != 0) {
            session->consume(id, bytes.size());
        } else {
            owed[id] += bytes.size();
            promise(owed[id] <= 1U << 20, "more than the window was taken in");
        }
        if ((habits_ & 4U) != 0 && !asks_whole(id)) session->send(id, "more", false);
    }
    void on_close(http2::stream_id id, http2::error_code, bool) override {
        promise(open.erase(id) == 1, "closed twice");
        pay(id);
    }
    void on_goaway(http2::error_code, std::string_view) override {}
    void on_ping_ack(std::uint64_t) override {}

    void pay(http2::stream_id id) {
        const auto found = owed.extract(id);
        if (!found.empty()) session->consume(id, found.mapped());
    }

private:
    unsigned habits_;
};

void request(http2::session& session, owner& by) {
    const std::vector<http2::header_view> headers{
        {":method", "POST"}, {":scheme", "http"}, {":path", "/x"}, {":authority", "a"}};
    const auto id = session.submit_request(headers);
    if (!id) return;
    by.open.insert(*id);
    session.send(*id, "question", asks_whole(*id));
}

}  // namespace

/// The first byte says how the owner behaves, the second how large chunks are (0: all at once, 255: of changing size).
void http2(std::string_view input) {
    source in(input);
    owner by(in.byte());
    const unsigned chunking = in.byte();
    http2::session_options options;
    options.max_idle_frames = 1'000;
    http2::session session(by, options);
    by.session = &session;
    for (int i = 0; i < 3; ++i) request(session, by);
    std::string out;
    bool alive = session.pull(out).has_value();
    for (unsigned round = 0; alive && !in.empty(); ++round) {
        const std::size_t wanted = chunking == 0 ? input.size() : chunking == 255 ? 1 + round * 7 % 40 : chunking;
        const std::size_t size = std::max(wanted, input.size() / most_chunks);
        alive = session.feed(in.bytes(size)).has_value();
        out.clear();
        alive = alive && session.pull(out).has_value();
        promise(out.size() <= 1U << 20, "a small input made a large output");
        if (alive && round % 8 == 7) request(session, by);
    }
    promise(alive || session.finished(), "failed and not finished");
    const std::set<http2::stream_id> left = by.open;
    for (const auto id : left) {
        session.reset(id, http2::error_code::cancel);
        by.pay(id);
    }
    out.clear();
    if (session.pull(out).has_value()) promise(by.open.size() <= left.size(), "reset opened a stream");
}

}  // namespace etcdsync::fuzz
