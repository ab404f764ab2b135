// SPDX-License-Identifier: Apache-2.0
#include "http2/session.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

namespace etcdsync::http2 {

std::string to_string(error_code code) {
    static constexpr std::array<std::string_view, 14> names = {"NO_ERROR",
                                                               "PROTOCOL_ERROR",
                                                               "INTERNAL_ERROR",
                                                               "FLOW_CONTROL_ERROR",
                                                               "SETTINGS_TIMEOUT",
                                                               "STREAM_CLOSED",
                                                               "FRAME_SIZE_ERROR",
                                                               "REFUSED_STREAM",
                                                               "CANCEL",
                                                               "COMPRESSION_ERROR",
                                                               "CONNECT_ERROR",
                                                               "ENHANCE_YOUR_CALM",
                                                               "INADEQUATE_SECURITY",
                                                               "HTTP_1_1_REQUIRED"};
    const auto number = static_cast<std::uint32_t>(code);
    if (number < names.size()) return std::string(names[number]);
    return fmt::format("error {:#x}", number);
}

}  // namespace etcdsync::http2
