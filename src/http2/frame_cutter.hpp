// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace etcdsync::http2 {

/// Walks over received bytes frame by frame (RFC 9113 section 4.1), for two things nghttp2 lacks: a count of all
/// frames, those it skips in silence too (DATA of closed streams, unknown types), and frame heads that are never cut:
/// it counts a CONTINUATION once for each chunk its head comes in, and ends the connection at the ninth.
class frame_cutter {
public:
    struct piece {
        std::string_view bytes;  ///< valid until the next call
        unsigned heads = 0;      ///< frames that begin in it, at most `most_heads`
    };
    static constexpr unsigned most_heads = 256;

    /// Takes the next piece off the front of `input`. It is empty where only a part of a head is left: that is kept.
    piece next(std::string_view& input);

private:
    static constexpr std::size_t head_size = 9;

    piece finish_head(std::string_view& input);

    std::array<char, head_size> head_{};
    std::size_t kept_ = 0;     ///< bytes of a head that came cut
    std::size_t payload_ = 0;  ///< still to come of the current frame
};

}  // namespace etcdsync::http2
