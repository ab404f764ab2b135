// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace etcdsync::http2 {

/// Splits received bytes at frame boundaries (RFC 9113 section 4.1), for two things that nghttp2
/// lacks. It counts all frames, including the ones that nghttp2 skips silently (DATA of closed
/// streams, unknown types). And it passes on frame headers in one piece: nghttp2 counts a
/// CONTINUATION once for each chunk that its header arrives in, and closes the connection at the
/// ninth.
class frame_splitter {
public:
    struct piece {
        std::string_view bytes;      ///< valid until the next call
        unsigned frame_headers = 0;  ///< frames that start in it, at most `max_frame_headers`
    };
    static constexpr unsigned max_frame_headers = 256;

    /// Takes the next piece off the front of `input`. The piece is empty if only a part of a frame
    /// header is left; that part is kept for the next call.
    piece next(std::string_view& input);

private:
    static constexpr std::size_t frame_header_size = 9;

    piece finish_header(std::string_view& input);

    std::array<char, frame_header_size> header_{};
    std::size_t kept_ = 0;     ///< bytes in `header_` of a frame header that arrived incomplete
    std::size_t payload_ = 0;  ///< bytes of the current frame still to come
};

}  // namespace etcdsync::http2
