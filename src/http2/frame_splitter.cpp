// SPDX-License-Identifier: Apache-2.0
#include "http2/frame_splitter.hpp"

#include <algorithm>

namespace etcdsync::http2 {
namespace {

std::size_t payload_length(const char* header) {
    const auto at = [&](int i) { return static_cast<std::size_t>(static_cast<unsigned char>(header[i])); };
    return at(0) << 16U | at(1) << 8U | at(2);
}

}  // namespace

frame_splitter::piece frame_splitter::next(std::string_view& input) {
    if (kept_ > 0) return finish_header(input);
    std::size_t used = 0;
    unsigned frame_headers = 0;
    while (used < input.size() && frame_headers < max_frame_headers) {
        if (payload_ == 0) {
            if (input.size() - used < frame_header_size) break;
            payload_ = payload_length(input.data() + used);
            used += frame_header_size;
            ++frame_headers;
        }
        const std::size_t n = std::min(payload_, input.size() - used);
        used += n;
        payload_ -= n;
    }
    if (used == 0) return finish_header(input);
    const piece p{input.substr(0, used), frame_headers};
    input.remove_prefix(used);
    return p;
}

frame_splitter::piece frame_splitter::finish_header(std::string_view& input) {
    const std::size_t n = std::min(frame_header_size - kept_, input.size());
    std::copy_n(input.data(), n, header_.data() + kept_);
    kept_ += n;
    input.remove_prefix(n);
    if (kept_ < frame_header_size) return {};
    kept_ = 0;
    payload_ = payload_length(header_.data());
    return {{header_.data(), frame_header_size}, 1};
}

}  // namespace etcdsync::http2
