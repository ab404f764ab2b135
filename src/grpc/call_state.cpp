// SPDX-License-Identifier: Apache-2.0
#include "grpc/call_state.hpp"

#include "base/escape.hpp"
#include "grpc/mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace etcdsync::grpc {
namespace {

constexpr std::size_t max_text = 512;
constexpr int highest_code = static_cast<int>(code::unauthenticated);

std::string_view find(const std::vector<http2::header>& headers, std::string_view name) {
    const auto it = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.name == name; });
    return it == headers.end() ? std::string_view() : std::string_view(it->value);
}

auto count(const std::vector<http2::header>& headers, std::string_view name) {
    return std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return h.name == name; });
}

/// True for application/grpc, also with a suffix such as "+proto" or with parameters; not for
/// application/grpc-web. Content types are case-insensitive (RFC 9110 section 8.3.1).
bool is_grpc(std::string_view content_type) {
    constexpr std::string_view base = "application/grpc";
    const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == b; };
    if (content_type.size() < base.size()) return false;
    if (!std::equal(base.begin(), base.end(), content_type.begin(), [&](char b, char a) {
            return same(static_cast<unsigned char>(a), static_cast<unsigned char>(b));
        })) {
        return false;
    }
    const std::string_view rest = content_type.substr(base.size());
    return rest.empty() || rest[0] == '+' || rest[0] == ';';
}

bool is_http_status(std::string_view text) {
    return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

status protocol_error(code c, std::string text) { return {c, std::move(text), origin::connection}; }

/// The status for a peer that did not answer with gRPC; the text describes what it sent.
status not_grpc(const std::vector<http2::header>& headers) {
    const std::string_view http = find(headers, ":status");
    const std::string_view type = find(headers, "content-type");
    if (!is_http_status(http)) return protocol_error(code::unknown, "not a gRPC server: it sent no HTTP status");
    if (is_grpc(type))
        return protocol_error(from_http_status(http), fmt::format("HTTP {} without a gRPC status", http));
    if (type.empty())
        return protocol_error(from_http_status(http), fmt::format("not a gRPC server: HTTP {}, no content-type", http));
    return protocol_error(from_http_status(http), fmt::format("not a gRPC server: HTTP {}, content-type \"{}\"", http,
                                                              base::printable(type, 100)));
}

/// Parses a status code (ASCII decimal, no leading zeros). Returns -1 if it is malformed.
int parse_code(std::string_view text) {
    const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (text.empty() || !digits || (text.size() > 1 && text[0] == '0')) return -1;
    if (text.size() > 2) return highest_code + 1;
    int value = 0;
    for (const char c : text) value = value * 10 + (c - '0');
    return value;
}

}  // namespace

void call_state::on_headers(const std::vector<http2::header>& headers, bool end_stream) {
    if (final_) return;
    if (headers_seen_) {
        if (end_stream) take_trailers(headers);
        return;
    }
    headers_seen_ = true;
    const bool grpc_type = is_grpc(find(headers, "content-type"));
    const std::string_view http = find(headers, ":status");
    // An HTTP error with a grpc-status is an answer of the gRPC server (newer grpc-go: 415 with
    // status 3).
    const bool trailers_only = end_stream && count(headers, "grpc-status") > 0;
    if (!grpc_type || !is_http_status(http) || (http != "200" && !trailers_only)) return finish(not_grpc(headers));
    if (end_stream) take_trailers(headers);
}

void call_state::take_trailers(const std::vector<http2::header>& headers) {
    const auto statuses = count(headers, "grpc-status");
    if (statuses == 0) return finish(protocol_error(code::unknown, "the server ended the call without grpc-status"));
    if (statuses > 1) return finish(protocol_error(code::internal, "the server sent more than one grpc-status"));
    const std::string_view written = find(headers, "grpc-status");
    const int number = parse_code(written);
    if (number < 0) {
        return finish(
            protocol_error(code::internal, fmt::format("malformed grpc-status \"{}\"", base::printable(written, 40))));
    }
    if (number == 0 && !deframer_.at_boundary()) {
        return finish(protocol_error(code::internal, "the server ended the call with OK in the middle of a message"));
    }
    const std::string text = base::printable(decode_message(find(headers, "grpc-message")), max_text);
    // Unknown codes count as UNKNOWN (doc/statuscodes.md).
    if (number > highest_code) {
        return finish(
            {code::unknown, fmt::format("grpc-status {}: {}", base::printable(written, 40), text), origin::server});
    }
    finish({static_cast<code>(number), text, origin::server});
}

void call_state::on_data(std::string_view bytes, message_sink& sink) {
    if (final_) return;
    if (!headers_seen_) return finish(protocol_error(code::internal, "the server sent a body before any headers"));
    if (auto fed = deframer_.feed(bytes, sink); !fed) finish(fed.error());
}

void call_state::on_close(http2::error_code reset, bool unprocessed) {
    if (final_) return;
    if (unprocessed) {
        final_.emplace(code::unavailable, "the server did not process the request: " + http2::to_string(reset),
                       origin::connection, true);
    } else if (reset == http2::error_code::no_error) {
        // etcd with TLS does this when it stops; it sends GOAWAY only afterwards.
        finish(protocol_error(code::internal, fmt::format("the server ended the stream without a gRPC status{}",
                                                          headers_seen_ ? ": is it shutting down?" : "")));
    } else {
        finish(protocol_error(from_reset(reset), "stream closed with " + http2::to_string(reset)));
    }
}

void call_state::finish(status s) {
    if (!final_) final_ = std::move(s);
}

}  // namespace etcdsync::grpc
