// SPDX-License-Identifier: Apache-2.0
// One binary per target; ETCDSYNC_FUZZ is its name.
#include "entries.hpp"

#include <cstddef>
#include <cstdint>

// NOLINTNEXTLINE: libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    etcdsync::fuzz::ETCDSYNC_FUZZ({reinterpret_cast<const char*>(data), size});
    return 0;
}
