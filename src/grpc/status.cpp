// SPDX-License-Identifier: Apache-2.0
#include "grpc/status.hpp"

#include <array>

namespace etcdsync::grpc {

std::string_view to_string(code c) {
    static constexpr std::array<std::string_view, 17> names = {
        "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED"};
    const auto number = static_cast<std::size_t>(c);
    return number < names.size() ? names[number] : "UNKNOWN";
}

}  // namespace etcdsync::grpc
