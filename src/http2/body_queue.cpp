// SPDX-License-Identifier: Apache-2.0
#include "http2/body_queue.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace etcdsync::http2 {

void body_queue::push(std::string chunk) {
    assert(!ended_ && "send() after end_stream");
    if (chunk.empty()) return;
    size_ += chunk.size();
    chunks_.push_back(std::move(chunk));
}

std::size_t body_queue::take(char* out, std::size_t room) {
    std::size_t taken = 0;
    while (taken < room && !chunks_.empty()) {
        const std::string& chunk = chunks_.front();
        const std::size_t n = std::min(room - taken, chunk.size() - offset_);
        std::copy_n(chunk.data() + offset_, n, out + taken);
        taken += n;
        offset_ += n;
        if (offset_ == chunk.size()) {
            chunks_.pop_front();
            offset_ = 0;
        }
    }
    size_ -= taken;
    return taken;
}

}  // namespace etcdsync::http2
