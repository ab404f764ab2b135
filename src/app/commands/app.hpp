// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::app {

/// The program: reads its arguments, does what the command says, gives the exit code.
[[nodiscard]] int main(int argc, const char* const* argv);

}  // namespace etcdsync::app
