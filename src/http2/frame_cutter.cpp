// SPDX-License-Identifier: Apache-2.0
#include "http2/frame_cutter.hpp"

#include <algorithm>

namespace etcdsync::http2 {
namespace {

std::size_t payload_length(const char* head) {
    const auto at = [&](int i) { return static_cast<std::size_t>(static_cast<unsigned char>(head[i])); };
    return at(0) << 16U | at(1) << 8U | at(2);
}

}  // namespace

frame_cutter::piece frame_cutter::next(std::string_view& input) {
    if (kept_ > 0) return finish_head(input);
    std::size_t used = 0;
    unsigned heads = 0;
    while (used < input.size() && heads < most_heads) {
        if (payload_ == 0) {
            if (input.size() - used < head_size) break;
            payload_ = payload_length(input.data() + used);
            used += head_size;
            ++heads;
        }
        const std::size_t n = std::min(payload_, input.size() - used);
        used += n;
        payload_ -= n;
    }
    if (used == 0) return finish_head(input);
    const piece p{input.substr(0, used), heads};
    input.remove_prefix(used);
    return p;
}

frame_cutter::piece frame_cutter::finish_head(std::string_view& input) {
    const std::size_t n = std::min(head_size - kept_, input.size());
    std::copy_n(input.data(), n, head_.data() + kept_);
    kept_ += n;
    input.remove_prefix(n);
    if (kept_ < head_size) return {};
    kept_ = 0;
    payload_ = payload_length(head_.data());
    return {{head_.data(), head_size}, 1};
}

}  // namespace etcdsync::http2
