// SPDX-License-Identifier: Apache-2.0
#include "app/app.hpp"
#include "app/exit_code.hpp"

#include <cstdio>
#include <exception>

int main(int argc, char** argv) {
    try {
        return etcdsync::app::main(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "etcd-sync: internal error, please report it: %s\n", e.what());
        return static_cast<int>(etcdsync::app::exit_code::internal_error);
    }
}
