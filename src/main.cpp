// SPDX-License-Identifier: Apache-2.0
#include "app/cli/exit_code.hpp"
#include "app/commands/app.hpp"

#include <cstdio>
#include <exception>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace {

/// glibc keeps freed memory, up to twice the largest block it has seen: a single large value of a master would stay in our memory
/// forever.
void return_freed_memory() {
#ifdef __GLIBC__
    constexpr int large = 4 << 20;
    mallopt(M_MMAP_THRESHOLD, large);
    mallopt(M_TRIM_THRESHOLD, 2 * large);
#endif
}

}  // namespace

int main(int argc, char** argv) {
    return_freed_memory();
    try {
        return etcdsync::app::main(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "etcd-sync: internal error, please report it: %s\n", e.what());
        return static_cast<int>(etcdsync::app::exit_code::internal_error);
    }
}
