// SPDX-License-Identifier: Apache-2.0
#include "http2/greeting.hpp"

#include "base/escape.hpp"

#include <algorithm>

namespace etcdsync::http2 {
namespace {

constexpr std::string_view http1 = "HTTP/1.";
constexpr std::size_t longest_line = 120;

bool same_start(std::string_view a, std::string_view b) {
    const std::size_t n = std::min(a.size(), b.size());
    return a.substr(0, n) == b.substr(0, n);
}

/// A TLS record of a handshake or an alert (RFC 8446 section 5.1). As HTTP/2 it would be a first frame of 1.3 MB, where
/// a SETTINGS of some dozen bytes has to come.
bool tls_start(std::string_view head) {
    return (head[0] == '\x15' || head[0] == '\x16') && (head.size() < 2 || head[1] == '\x03');
}

}  // namespace

greeting::verdict greeting::look(std::string_view bytes) {
    head_ += bytes.substr(0, longest_line - std::min(longest_line, head_.size()));
    if (head_.empty()) return verdict::undecided;
    if (tls_start(head_)) return head_.size() < 3 ? verdict::undecided : verdict::foreign;
    if (!same_start(head_, http1)) return verdict::http2;
    const bool whole_line = head_.find('\n') != std::string::npos || head_.size() >= longest_line;
    return whole_line ? verdict::foreign : verdict::undecided;
}

std::string greeting::text() const {
    if (tls_start(head_)) return "the peer speaks TLS where plain HTTP/2 was expected: its endpoint needs https://";
    const std::string line = head_.substr(0, head_.find_first_of("\r\n"));
    return "the peer speaks HTTP/1, not HTTP/2: \"" + base::printable(line) + "\"";
}

}  // namespace etcdsync::http2
