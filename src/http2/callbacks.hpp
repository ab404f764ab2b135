// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/nghttp2_adapters.hpp"

namespace etcdsync::http2 {

/// The C callbacks that lead to `connection`, which is their user data.
[[nodiscard]] lib::callbacks_ptr make_callbacks();

/// The reader of request bodies.
[[nodiscard]] nghttp2_data_provider make_body_reader();

}  // namespace etcdsync::http2
