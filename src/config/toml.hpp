// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one way into toml++ : these must be alike wherever its headers are read. Private to config/.
#define TOML_MAX_NESTED_VALUES 64
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
// 3.3.0 asserts what the file may well break: `[=]` would end the daemon. Behind that assertion stands a
// proper error, which we want instead; without NDEBUG, because then it would be an assumption for the optimiser.
#undef NDEBUG
#define TOML_ASSERT(expr) static_cast<void>(0)

#include <toml++/toml.h>
