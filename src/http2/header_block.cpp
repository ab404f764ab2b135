// SPDX-License-Identifier: Apache-2.0
#include "http2/header_block.hpp"

namespace etcdsync::http2 {

void header_block::clear() {
    used_ = 0;
    fields_.clear();
}

bool header_block::add(std::string_view name, std::string_view value) {
    const std::size_t size = name.size() + value.size();
    if (fields_.size() >= max_fields_ || size > max_bytes_ - used_) return false;
    used_ += size;
    fields_.push_back({std::string(name), std::string(value)});
    return true;
}

bool header_block::informational() const {
    if (fields_.empty() || fields_.front().name != ":status") return false;  // pseudo-headers come first: section 8.3
    return fields_.front().value.starts_with('1');
}

}  // namespace etcdsync::http2
