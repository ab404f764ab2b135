// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace etcdsync::http2 {

/// Looks at the first bytes of a connection for peers of another protocol, to say so in words a human can act on.
class greeting {
public:
    enum class verdict { undecided, http2, foreign };

    /// `http2` hands the decision to the HTTP/2 parser; undecided() bytes were kept and belong in front of the next.
    verdict look(std::string_view bytes);

    /// The bytes kept so far.
    [[nodiscard]] const std::string& head() const { return head_; }

    /// What a foreign peer seems to be.
    [[nodiscard]] std::string text() const;

private:
    std::string head_;
};

}  // namespace etcdsync::http2
