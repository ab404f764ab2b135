// SPDX-License-Identifier: Apache-2.0
#include "http2/preface_check.hpp"

#include "base/escape.hpp"

#include <algorithm>

namespace etcdsync::http2 {
namespace {

constexpr std::string_view http1 = "HTTP/1.";
constexpr std::size_t max_line = 120;

bool same_start(std::string_view a, std::string_view b) {
    const std::size_t n = std::min(a.size(), b.size());
    return a.substr(0, n) == b.substr(0, n);
}

/// True if `bytes` start a TLS record of a handshake or an alert (RFC 8446 section 5.1). As HTTP/2
/// this would be a first frame of 1.3 MB instead of a small SETTINGS frame.
bool starts_tls_record(std::string_view bytes) {
    return (bytes[0] == '\x15' || bytes[0] == '\x16') && (bytes.size() < 2 || bytes[1] == '\x03');
}

}  // namespace

preface_check::verdict preface_check::inspect(std::string_view bytes) {
    start_ += bytes.substr(0, max_line - std::min(max_line, start_.size()));
    if (start_.empty()) return verdict::undecided;
    if (starts_tls_record(start_)) return start_.size() < 3 ? verdict::undecided : verdict::other_protocol;
    if (!same_start(start_, http1)) return verdict::http2;
    const bool whole_line = start_.find('\n') != std::string::npos || start_.size() >= max_line;
    return whole_line ? verdict::other_protocol : verdict::undecided;
}

std::string preface_check::error_text() const {
    if (starts_tls_record(start_)) return "the peer speaks TLS, not plain HTTP/2: use https:// in its endpoint";
    const std::string line = start_.substr(0, start_.find_first_of("\r\n"));
    return "the peer speaks HTTP/1, not HTTP/2: \"" + base::printable(line) + "\"";
}

}  // namespace etcdsync::http2
