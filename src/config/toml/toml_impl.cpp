// SPDX-License-Identifier: Apache-2.0
// Compiles toml++ once into this library, so that no shared library of it is needed.
#define TOML_IMPLEMENTATION
#include "config/toml/toml.hpp"
