// SPDX-License-Identifier: Apache-2.0
#include "config/files/load.hpp"

#include <fmt/format.h>

#include <utility>

namespace etcdsync::config {
namespace {

constexpr std::size_t max_bytes = 1U << 20;

parse_result unreadable(std::string_view why) {
    complaints out;
    out.error({}, fmt::format("cannot be read: {}", why));
    return {std::nullopt, out.take(), {}};
}

}  // namespace

parse_result load(const base::file_reader& files, const std::string& path, std::string& text) {
    auto read = files.read_any(path, max_bytes + 1);
    text.clear();
    if (!read) return unreadable(read.error().text);
    text = std::move(read->bytes);
    if (text.size() > max_bytes) return unreadable("larger than 1 MiB");
    return parse(text);
}

}  // namespace etcdsync::config
