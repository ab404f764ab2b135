// SPDX-License-Identifier: Apache-2.0
#include "grpc/mapping.hpp"

namespace etcdsync::grpc {

code from_http_status(std::string_view http_status) {
    if (http_status == "400") return code::internal;
    if (http_status == "401") return code::unauthenticated;
    if (http_status == "403") return code::permission_denied;
    if (http_status == "404") return code::unimplemented;
    for (const std::string_view transient : {"429", "502", "503", "504"}) {
        if (http_status == transient) return code::unavailable;
    }
    return code::unknown;
}

code from_reset(http2::error_code reset) {
    using http2::error_code;
    switch (reset) {
        case error_code::refused_stream: return code::unavailable;
        case error_code::cancel: return code::cancelled;
        case error_code::flow_control_error:  // as in grpc-go; the specification says internal
        case error_code::enhance_your_calm: return code::resource_exhausted;
        case error_code::inadequate_security: return code::permission_denied;
        default: return code::internal;
    }
}

}  // namespace etcdsync::grpc
