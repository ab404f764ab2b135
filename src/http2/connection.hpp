// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/body_queue.hpp"
#include "http2/frame_splitter.hpp"
#include "http2/header_block.hpp"
#include "http2/idle_budget.hpp"
#include "http2/nghttp2_adapters.hpp"
#include "http2/preface_check.hpp"
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

/// The state of an open stream that nghttp2 does not keep.
struct open_stream {
    body_queue body;
    bool sent = false;           ///< its HEADERS were sent: the server may know it
    bool answered = false;       ///< part of a response arrived
    bool ended = false;          ///< the server's END_STREAM arrived
    bool muted = false;          ///< reset by us: only on_close() is still reported
    unsigned informational = 0;  ///< 1xx blocks
};

/// The implementation of `session`, and the target of the library's callbacks (callbacks.cpp).
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
    std::size_t queued(stream_id id) const;
    std::uint64_t window_updates() const { return window_updates_; }
    void consume(stream_id id, std::size_t count);
    void reset(stream_id id, error_code code);
    void ping(std::uint64_t opaque);
    bool draining() const;
    std::size_t open_streams() const { return streams_.size(); }

    // Callbacks of the library; those that return int return 0 or an error code of nghttp2.
    int on_begin_frame(const nghttp2_frame_hd& head);
    int on_begin_headers(stream_id id);
    int on_header(stream_id id, std::string_view name, std::string_view value);
    int on_frame(const nghttp2_frame& frame);
    int on_data(stream_id id, std::string_view bytes);
    void on_frame_sent(const nghttp2_frame& frame);
    void on_stream_close(stream_id id, error_code code);
    void on_error_text(std::string_view text);
    ssize_t read_body(stream_id id, char* out, std::size_t room, std::uint32_t& flags);
    ssize_t readable_body(stream_id id, std::size_t most);

    // No exception may pass through the library: it is kept here, and thrown again after the
    // library has returned.
    bool has_exception() const { return exception_ != nullptr; }
    void keep_exception(std::exception_ptr e) { exception_ = std::move(e); }

private:
    struct closed_stream {
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
    base::error session_error(int library_error) const;
    void rethrow();

    void on_header_block(const nghttp2_frame& frame);
    void on_end_stream(stream_id id);
    void on_goaway(const nghttp2_goaway& frame);
    void on_ping_ack(const nghttp2_ping& frame);
    void close_unsent(stream_id id, error_code code);
    void report_closed_unsent();
    open_stream* find(stream_id id);
    open_stream* find_active(stream_id id);

    events& sink_;
    lib::session_ptr session_;
    std::unordered_map<stream_id, open_stream> streams_;
    std::vector<closed_stream> closed_unsent_;  ///< closed by us before they were sent; the next pull() reports it
    std::string pending_;                       ///< output produced by feed(), for the next pull()
    std::size_t unconsumed_ = 0;                ///< bytes delivered by on_data() and not yet consumed
    std::uint64_t window_updates_ = 0;
    unsigned pings_ = 0;  ///< our PINGs that are not yet acknowledged
    bool goaway_ = false;

    preface_check preface_check_;
    bool preface_checked_ = false;
    frame_splitter frames_;
    header_block block_;
    idle_budget idle_;

    bool in_library_ = false;  ///< a call into the library is on the stack
    std::exception_ptr exception_;
    std::string callback_error_;  ///< why a callback made the library stop
    std::string library_text_;    ///< the library's last error text while reading
    std::string goaway_text_;     ///< the GOAWAY that the library sent, if any
    std::optional<std::string> failure_;
};

}  // namespace etcdsync::http2
