// SPDX-License-Identifier: Apache-2.0
// toml++ compiled once into our library, so that no shared library of it is needed.
#define TOML_IMPLEMENTATION
#include "config/toml/toml.hpp"
