// SPDX-License-Identifier: Apache-2.0
#include "grpc/framing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <limits>

namespace etcdsync::grpc {
namespace {

std::size_t length_of(const std::array<char, prefix_size>& prefix) {
    std::uint32_t length = 0;
    for (std::size_t i = 1; i < prefix_size; ++i) length = length << 8U | static_cast<unsigned char>(prefix[i]);
    return length;
}

base::result<void, status> check(const std::array<char, prefix_size>& prefix, std::size_t max_message) {
    const auto flag = static_cast<unsigned char>(prefix[0]);
    if (flag == 1) {  // we send no grpc-accept-encoding
        return status(code::internal, "the server sent a compressed message, but we did not offer compression",
                      origin::connection);
    }
    if (flag != 0) return status(code::internal, fmt::format("invalid message flag {:#04x}", flag), origin::connection);
    const std::size_t length = length_of(prefix);
    if (length <= max_message) return {};
    return status(code::resource_exhausted,
                  fmt::format("the server sends a message of {} bytes, more than the limit of {}", length, max_message),
                  origin::connection);
}

}  // namespace

void write_prefix(std::string& out, std::size_t size) {
    assert(size <= std::numeric_limits<std::uint32_t>::max() && out.size() >= prefix_size);
    out[0] = '\0';
    for (std::size_t i = 1; i < prefix_size; ++i)
        out[i] = static_cast<char>(size >> 8U * (prefix_size - 1 - i) & 0xffU);
}

std::string frame(std::string_view message) {
    std::string out;
    out.reserve(prefix_size + message.size());
    out.resize(prefix_size);
    write_prefix(out, message.size());
    out += message;
    return out;
}

base::result<void, status> deframer::feed(std::string_view bytes, message_sink& sink) {
    while (true) {
        if (!inside_) {
            const std::size_t n = std::min(prefix_size - prefix_filled_, bytes.size());
            std::copy_n(bytes.data(), n, prefix_.data() + prefix_filled_);
            prefix_filled_ += n;
            bytes.remove_prefix(n);
            if (prefix_filled_ < prefix_size) return {};
            // On failure the prefix stays, so that the next feed() fails, too.
            if (auto checked = check(prefix_, max_message_); !checked) return checked;
            inside_ = true;
            missing_ = length_of(prefix_);
            sink.on_message_begin(missing_);
        }
        const std::string_view piece = bytes.substr(0, missing_);
        bytes.remove_prefix(piece.size());
        missing_ -= piece.size();
        if (!piece.empty()) sink.on_message_bytes(piece);
        if (missing_ > 0) return {};
        inside_ = false;
        prefix_filled_ = 0;
        sink.on_message_end();
    }
}

}  // namespace etcdsync::grpc
