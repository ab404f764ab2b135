// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace etcdsync::http2 {

/// Recognizes peers that speak HTTP/1 or TLS instead of HTTP/2 by their first bytes, so that the
/// error can say what to change.
class preface_check {
public:
    enum class verdict { undecided, http2, other_protocol };

    /// Inspects the next bytes. `http2` only means that the HTTP/2 parser decides. While the result
    /// is `undecided` the bytes are held: pass held_bytes() to the parser before any others.
    verdict inspect(std::string_view bytes);

    [[nodiscard]] const std::string& held_bytes() const { return start_; }

    /// What a peer of another protocol speaks, as an error text.
    [[nodiscard]] std::string error_text() const;

private:
    std::string start_;
};

}  // namespace etcdsync::http2
