// SPDX-License-Identifier: Apache-2.0
#include "config/toml/complaints.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace etcdsync::config {

void complaints::error(place at, std::string message, std::string hint) {
    all_.push_back({diagnostic::severity::error, at.line, at.column, at.width, std::move(message), std::move(hint)});
}

void complaints::warning(place at, std::string message, std::string hint) {
    all_.push_back({diagnostic::severity::warning, at.line, at.column, at.width, std::move(message), std::move(hint)});
}

bool complaints::has_error() const {
    return std::ranges::any_of(all_, [](const diagnostic& d) { return d.level == diagnostic::severity::error; });
}

std::vector<diagnostic> complaints::take() {
    std::ranges::stable_sort(all_, [](const diagnostic& a, const diagnostic& b) {
        return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    return std::exchange(all_, {});
}

}  // namespace etcdsync::config
