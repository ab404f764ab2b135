// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"

#include <boost/beast/core/detail/base64.hpp>
#include <fmt/format.h>

namespace etcdsync::base {
namespace {

/// Length of the well-formed UTF-8 sequence at the start of `s` (Unicode 15, table 3-7), or 0 if
/// there is none.
std::size_t utf8_length(std::string_view s) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const auto continues = [&](std::size_t i, unsigned lo = 0x80, unsigned hi = 0xbf) {
        return i < s.size() && at(i) >= lo && at(i) <= hi;
    };
    const unsigned lead = at(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const unsigned lo = lead == 0xe0 ? 0xa0 : 0x80;
        const unsigned hi = lead == 0xed ? 0x9f : 0xbf;
        return continues(1, lo, hi) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const unsigned lo = lead == 0xf0 ? 0x90 : 0x80;
        const unsigned hi = lead == 0xf4 ? 0x8f : 0xbf;
        return continues(1, lo, hi) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

bool is_control(std::string_view s, std::size_t length) {
    const auto lead = static_cast<unsigned char>(s[0]);
    if (length == 1) return lead < 0x20 || lead == 0x7f;
    return length == 2 && lead == 0xc2 && static_cast<unsigned char>(s[1]) < 0xa0;  // C1 controls
}

}  // namespace

bool is_printable_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0 || is_control(text, length)) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string printable(std::string_view text, std::size_t max_size) {
    std::string out;
    std::size_t used = 0;
    while (!text.empty()) {
        std::size_t length = utf8_length(text);
        const bool plain = length != 0 && !is_control(text, length) && text[0] != '\\';
        if (length == 0) length = 1;
        if (used + length > max_size) return out + "...";
        used += length;
        for (std::size_t i = 0; i < length; ++i) {
            if (plain) {
                out += text[i];
            } else {
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
            }
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string base64_encode(std::string_view bytes) {
    namespace base64 = boost::beast::detail::base64;
    std::string out(base64::encoded_size(bytes.size()), '\0');
    out.resize(base64::encode(out.data(), bytes.data(), bytes.size()));
    return out;
}

bool base64_decode(std::string_view text, std::string& out) {
    namespace base64 = boost::beast::detail::base64;
    if (text.size() % 4 != 0) return false;  // for these, Beast writes past decoded_size()
    out.assign(base64::decoded_size(text.size()), '\0');
    const auto [written, read] = base64::decode(out.data(), text.data(), text.size());
    out.resize(written);
    // Beast's decoder stops at the first invalid character and accepts missing padding; we refuse
    // both.
    return base64_encode(out) == text;
}

}  // namespace etcdsync::base
