// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http2/nghttp2_adapters.hpp"

namespace etcdsync::http2 {

/// The C callbacks that call the `connection` passed as their user data.
[[nodiscard]] lib::callbacks_ptr make_callbacks();

/// The data provider that reads request bodies from the `connection`.
[[nodiscard]] nghttp2_data_provider make_body_reader();

}  // namespace etcdsync::http2
