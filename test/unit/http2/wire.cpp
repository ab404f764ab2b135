// SPDX-License-Identifier: Apache-2.0
#include "wire.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace etcdsync::http2 {

void recorder::on_headers(stream_id id, const std::vector<header>& headers, bool end_stream) {
    std::string line = "headers " + std::to_string(id);
    for (const auto& h : headers) line += " " + h.name + "=" + h.value;
    log.push_back(line + (end_stream ? " end" : ""));
    data_line_ = 0;
    if (headers_hook) headers_hook(id, end_stream);
}

void recorder::on_data(stream_id id, std::string_view bytes) {
    CHECK_FALSE(bytes.empty());
    bodies[id] += bytes;
    unreleased[id] += bytes.size();
    if (data_line_ != id) log.push_back("data " + std::to_string(id));
    data_line_ = id;
    if (consumes) release(id);
    if (data_hook) data_hook(id);
}

void recorder::on_close(stream_id id, error_code code, bool unprocessed) {
    log.push_back("close " + std::to_string(id) + " " + to_string(code) + (unprocessed ? " unprocessed" : ""));
    data_line_ = 0;
    if (close_hook) close_hook(id);
}

void recorder::on_goaway(error_code code, std::string_view debug_data) {
    log.push_back("goaway " + to_string(code) + " " + std::string(debug_data));
    data_line_ = 0;
}

void recorder::on_ping_ack(std::uint64_t opaque) {
    log.push_back("pong " + std::to_string(opaque));
    data_line_ = 0;
}

void recorder::release(stream_id id) { client->consume(id, std::exchange(unreleased[id], 0)); }

bool recorder::has(std::string_view line) const {
    for (const auto& l : log) {
        if (l == line) return true;
    }
    return false;
}

stream_id lone_client::call(std::string_view path) {
    const std::array<header_view, 4> headers = {
        {{":method", "POST"}, {":scheme", "http"}, {":path", path}, {":authority", "test:2379"}}};
    const auto id = client.submit_request(headers);
    REQUIRE_MESSAGE(id.has_value(), (id ? "" : id.error().text));
    return *id;
}

std::string lone_client::pull() {
    std::string out;
    const auto pulled = client.pull(out);
    CHECK_MESSAGE(pulled.has_value(), (pulled ? "" : pulled.error().text));
    return out;
}

std::string lone_client::feed(std::string_view bytes) {
    const auto fed = client.feed(bytes);
    return fed ? "" : fed.error().text;
}

void lone_client::send_settings() { REQUIRE(feed(raw_frame(type::settings, flag::none, 0)) == ""); }

void wire::pump() {
    while (true) {
        const std::string request = pull();
        server.feed(request);
        const std::string response = server.pull();
        if (request.empty() && response.empty()) return;
        REQUIRE(feed(response) == "");
    }
}

std::vector<std::string> payloads(std::string_view bytes, std::uint8_t frame_type) {
    if (bytes.starts_with("PRI * ")) bytes.remove_prefix(24);
    std::vector<std::string> found;
    while (bytes.size() >= 9) {
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
        const std::size_t length =
            static_cast<std::size_t>(at(0)) << 16U | static_cast<std::size_t>(at(1)) << 8U | at(2);
        if (at(3) == frame_type) found.emplace_back(bytes.substr(9, length));
        bytes.remove_prefix(std::min(bytes.size(), 9 + length));
    }
    return found;
}

}  // namespace etcdsync::http2
