// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/body_queue.hpp"
#include "http2/frame_cutter.hpp"
#include "http2/greeting.hpp"
#include "http2/header_block.hpp"
#include "http2/idle_budget.hpp"
#include "http2/nghttp2_adapters.hpp"
#include "http2/session.hpp"

#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace etcdsync::http2 {

/// What the session knows of an open stream beyond nghttp2.
struct open_stream {
    body_queue body;
    bool sent = false;           ///< its HEADERS left: the server may know of it
    bool answered = false;       ///< some of a response came
    bool ended = false;          ///< the server's END_STREAM came
    bool muted = false;          ///< reset by us: only on_close is still told
    unsigned informational = 0;  ///< 1xx blocks
};

/// The state behind `session`, and what it makes of the library's callbacks (callbacks.cpp).
class connection {
public:
    connection(events& sink, const session_options& options);
    ~connection();
    connection(connection&&) = delete;

    // As in session.hpp.
    base::result<void> feed(std::string_view bytes);
    base::result<void> pull(std::string& out);
    bool finished() const;
    base::result<stream_id> submit_request(std::span<const header_view> headers);
    void send(stream_id id, std::string bytes, bool end_stream);
    void consume(stream_id id, std::size_t count);
    void reset(stream_id id, error_code code);
    void ping(std::uint64_t opaque);
    bool draining() const;
    std::size_t open_streams() const { return streams_.size(); }

    // Callbacks of the library; those that return int answer 0 or an error of nghttp2.
    int frame_begins(const nghttp2_frame_hd& head);
    int block_begins(stream_id id);
    int header_came(stream_id id, std::string_view name, std::string_view value);
    int frame_came(const nghttp2_frame& frame);
    int data_came(stream_id id, std::string_view bytes);
    void frame_sent(const nghttp2_frame& frame);
    void stream_closed(stream_id id, error_code code);
    void library_says(std::string_view text);
    ssize_t body_wanted(stream_id id, char* out, std::size_t room, std::uint32_t& flags);
    ssize_t body_available(stream_id id, std::size_t most);

    // No C++ exception may cross the library: kept here, thrown again once the library has returned.
    bool thrown() const { return thrown_ != nullptr; }
    void keep_exception(std::exception_ptr e) { thrown_ = std::move(e); }

private:
    struct closing {
        stream_id id;
        error_code code;
        bool unprocessed;
    };

    void submit_settings(const session_options& options);
    base::result<void> receive(std::string_view bytes);
    base::result<void> receive_piece(std::string_view bytes);
    base::result<void> flush(std::string& out);
    base::result<void> check_terminated();
    base::error fail(std::string text);
    base::error why_ended(int library_error) const;
    void rethrow();

    void block_came(const nghttp2_frame& frame);
    void stream_ended(stream_id id);
    void goaway_came(const nghttp2_goaway& frame);
    void ping_ack_came(const nghttp2_ping& frame);
    void settle_unsent(stream_id id, error_code code);
    void tell_settled();
    open_stream* find(stream_id id);
    open_stream* find_listening(stream_id id);

    events& sink_;
    lib::session_ptr session_;
    std::unordered_map<stream_id, open_stream> streams_;
    std::vector<closing> settled_;  ///< streams that ended without the library's doing; told by the next pull()
    std::string pending_;           ///< output made while feeding, for the next pull()
    std::size_t unconsumed_ = 0;    ///< bytes told by on_data and not yet given back
    unsigned pings_ = 0;            ///< our PINGs without an answer
    bool goaway_ = false;

    greeting greeting_;
    bool greeted_ = false;
    frame_cutter frames_;
    header_block block_;
    idle_budget idle_;

    bool inside_ = false;  ///< a call into the library is on the stack
    std::exception_ptr thrown_;
    std::string verdict_;  ///< why a callback of ours made the library stop
    std::string detail_;   ///< the library's last words while reading
    std::string goodbye_;  ///< the GOAWAY the library sent, if it did
    std::optional<std::string> failed_;
};

}  // namespace etcdsync::http2
