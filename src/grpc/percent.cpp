// SPDX-License-Identifier: Apache-2.0
#include "grpc/call_state.hpp"

namespace etcdsync::grpc {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The byte encoded as %XX at the start of `text`, or -1 if there is none.
int escaped_byte(std::string_view text) {
    if (text.size() < 3 || text[0] != '%') return -1;
    const int high = hex_digit(text[1]);
    const int low = hex_digit(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

std::string decode_message(std::string_view encoded) {
    std::string out;
    out.reserve(encoded.size());
    while (!encoded.empty()) {
        const int byte = escaped_byte(encoded);
        out += byte < 0 ? encoded.front() : static_cast<char>(byte);
        encoded.remove_prefix(byte < 0 ? 1 : 3);
    }
    return out;
}

}  // namespace etcdsync::grpc
