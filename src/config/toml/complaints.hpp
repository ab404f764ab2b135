// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace etcdsync::config {

/// A part of one line of the file. Line and column count from 1 (columns in code points); line 0:
/// no place.
struct place {
    std::size_t line = 0;
    std::size_t column = 0;
    std::size_t width = 1;
};

/// What is wrong with a value and what to write instead, without its place.
struct fault {
    std::string message;
    std::string hint;
};

/// Collects the errors and warnings of one file. Code that adds an error continues with a default,
/// and does not report errors that follow from the first.
class complaints {
public:
    complaints() = default;
    /// Continues after `before`.
    explicit complaints(std::vector<diagnostic> before) : all_(std::move(before)) {}

    void error(place at, std::string message, std::string hint = {});
    void error(place at, fault what) { error(at, std::move(what.message), std::move(what.hint)); }
    void warning(place at, std::string message, std::string hint = {});

    [[nodiscard]] bool has_error() const;
    /// Returns them in the order of the file; those without a place come first.
    [[nodiscard]] std::vector<diagnostic> take();

private:
    std::vector<diagnostic> all_;
};

}  // namespace etcdsync::config
