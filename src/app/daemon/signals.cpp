// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/signals.hpp"

#include <csignal>
#include <string_view>

namespace etcdsync::app {
namespace {

std::string_view name_of(int number) {
    switch (number) {
        case SIGINT: return "SIGINT";
        case SIGHUP: return "SIGHUP";
        default: return "SIGTERM";
    }
}

}  // namespace

void signals::stop(int number) {
    log_.info("stopping", {{"signal", name_of(number)}});
    number_ = number;
    stop();
}

void signals::stop() {
    stopping_ = true;
    changed_.notify();
}

void signals::hang_up() {
    if (on_hang_up_) return on_hang_up_();
    stop(SIGHUP);
}

}  // namespace etcdsync::app
