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

constexpr std::size_t max_chunks = 500;  // more would only be slow

/// True for every other request: its body is complete at once. The others can be continued.
bool is_complete(http2::stream_id id) { return (id & 2) == 0; }

/// An owner of a session that checks the requirements, and calls the session from inside its
/// events, as chosen by the input.
class session_owner final : public http2::events {
public:
    explicit session_owner(unsigned behavior) : behavior_(behavior) {}

    http2::session* session = nullptr;
    std::set<http2::stream_id> open;
    std::map<http2::stream_id, std::size_t> unreleased;

    void on_headers(http2::stream_id id, const std::vector<http2::header>& headers, bool) override {
        require(open.contains(id), "headers of a stream that is not open");
        require(headers.size() <= 64, "too many headers");
        std::size_t size = 0;
        for (const auto& h : headers) size += h.name.size() + h.value.size();
        require(size <= 16U << 10, "headers that are too large");
        if ((behavior_ & 1U) != 0) session->reset(id, http2::error_code::cancel);
    }
    void on_data(http2::stream_id id, std::string_view bytes) override {
        require(open.contains(id), "data of a stream that is not open");
        require(!bytes.empty(), "empty data");
        if ((behavior_ & 2U) != 0) {
            session->consume(id, bytes.size());
        } else {
            unreleased[id] += bytes.size();
            require(unreleased[id] <= 1U << 20, "more data than the window allows");
        }
        if ((behavior_ & 4U) != 0 && !is_complete(id)) session->send(id, "more", false);
    }
    void on_close(http2::stream_id id, http2::error_code, bool) override {
        require(open.erase(id) == 1, "a stream closed twice");
        release_window(id);
    }
    void on_goaway(http2::error_code, std::string_view) override {}
    void on_ping_ack(std::uint64_t) override {}

    void release_window(http2::stream_id id) {
        const auto found = unreleased.extract(id);
        if (!found.empty()) session->consume(id, found.mapped());
    }

private:
    unsigned behavior_;
};

void request(http2::session& session, session_owner& owner) {
    const std::vector<http2::header_view> headers{
        {":method", "POST"}, {":scheme", "http"}, {":path", "/x"}, {":authority", "a"}};
    const auto id = session.submit_request(headers);
    if (!id) return;
    owner.open.insert(*id);
    session.send(*id, "question", is_complete(*id));
}

}  // namespace

/// The first byte selects the behavior of the owner, the second the size of the chunks (0: all at
/// once, 255: varying).
void http2(std::string_view input) {
    source in(input);
    session_owner owner(in.byte());
    const unsigned chunking = in.byte();
    http2::session_options options;
    options.max_idle_frames = 1'000;
    http2::session session(owner, options);
    owner.session = &session;
    for (int i = 0; i < 3; ++i) request(session, owner);
    std::string out;
    bool alive = session.pull(out).has_value();
    for (unsigned round = 0; alive && !in.empty(); ++round) {
        const std::size_t wanted = chunking == 0 ? input.size() : chunking == 255 ? 1 + round * 7 % 40 : chunking;
        const std::size_t size = std::max(wanted, input.size() / max_chunks);
        alive = session.feed(in.bytes(size)).has_value();
        out.clear();
        alive = alive && session.pull(out).has_value();
        require(out.size() <= 1U << 20, "a small input made a large output");
        if (alive && round % 8 == 7) request(session, owner);
    }
    require(alive || session.finished(), "a failed session is not finished");
    const std::set<http2::stream_id> remaining = owner.open;
    for (const auto id : remaining) {
        session.reset(id, http2::error_code::cancel);
        owner.release_window(id);
    }
    out.clear();
    if (session.pull(out).has_value()) require(owner.open.size() <= remaining.size(), "a reset opened a stream");
}

}  // namespace etcdsync::fuzz
