// SPDX-License-Identifier: Apache-2.0
#include "grpc/call_state.hpp"

namespace etcdsync::grpc {

std::vector<http2::header_view> request_headers(std::string_view path, std::string_view authority, bool tls,
                                                std::span<const http2::header_view> metadata) {
    // Without grpc-encoding and grpc-accept-encoding, responses are not compressed.
    std::vector<http2::header_view> headers = {
        {":method", "POST"},
        {":scheme", tls ? "https" : "http"},
        {":path", path},
        {":authority", authority},
        {"te", "trailers"},
        {"content-type", "application/grpc"},
        {"user-agent", "etcd-sync"},
    };
    headers.insert(headers.end(), metadata.begin(), metadata.end());
    return headers;
}

}  // namespace etcdsync::grpc
