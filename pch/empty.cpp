// SPDX-License-Identifier: Apache-2.0
// Meson compiles a precompiled header only for a target with a source file.
