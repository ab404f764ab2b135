// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "entries.hpp"
#include "grpc/call_state.hpp"

#include <optional>
#include <string>
#include <vector>

namespace etcdsync::fuzz {
namespace {

constexpr std::size_t max_message = 1'000;

struct counting_sink final : grpc::message_sink {
    std::size_t missing = 0;
    bool inside = false;
    void on_message_begin(std::size_t size) override {
        require(!inside && size <= max_message, "a message begins inside another, or is too large");
        inside = true;
        missing = size;
    }
    void on_message_bytes(std::string_view bytes) override {
        require(inside && !bytes.empty() && bytes.size() <= missing, "bytes outside a message");
        missing -= bytes.size();
    }
    void on_message_end() override {
        require(inside && missing == 0, "a message ends early");
        inside = false;
    }
};

/// "name\nvalue\nname\nvalue"
std::vector<http2::header> headers_in(std::string_view text) {
    std::vector<http2::header> out;
    while (!text.empty() && out.size() < 64) {
        http2::header one;
        for (std::string* part : {&one.name, &one.value}) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            *part = text.substr(0, end);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

/// The input is a sequence of records: a type, a length of two bytes, and that many bytes.
void grpc(std::string_view input) {
    source in(input);
    grpc::call_state call(max_message);
    counting_sink messages;
    std::optional<grpc::status> first;
    while (!in.empty()) {
        const unsigned type = in.byte();
        const std::size_t size = in.byte() << 8U | in.byte();
        const std::string_view bytes = in.bytes(size);
        switch (type % 5) {
            case 0: call.on_headers(headers_in(bytes), false); break;
            case 1: call.on_headers(headers_in(bytes), true); break;
            case 2: call.on_data(bytes, messages); break;
            case 3: call.on_close(static_cast<http2::error_code>(size), type > 127); break;
            default: require(grpc::decode_message(bytes).size() <= bytes.size(), "decoding made an escape longer");
        }
        const auto& status = call.final_status();
        if (!status) continue;
        if (!first) first = status;
        require(status->value == first->value && status->message == first->message, "a final status changed");
        // At most 512 bytes of the text of the server, each as \xNN, and the text around them.
        require(base::is_printable_utf8(status->message), "a status that is not printable");
        require(status->message.size() <= 4 * 512 + 100, "a status that is too long");
        require(!status->ok() || !messages.inside, "OK inside a message");
    }
}

}  // namespace etcdsync::fuzz
