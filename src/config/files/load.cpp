// SPDX-License-Identifier: Apache-2.0
#include "config/files/load.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace etcdsync::config {
namespace {

constexpr std::size_t max_bytes = 1U << 20;

/// Returns an empty string, or the reason of the failure.
std::string read_file(const std::string& path, std::string& text) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
    if (!file) return std::strerror(errno);
    char block[16384];
    while (const std::size_t got = std::fread(block, 1, sizeof block, file.get())) {
        text.append(block, got);
        if (text.size() > max_bytes) return "larger than 1 MiB";
    }
    return std::ferror(file.get()) != 0 ? std::strerror(errno) : "";
}

}  // namespace

parse_result load(const std::string& path, std::string& text) {
    text.clear();
    const std::string failure = read_file(path, text);
    if (failure.empty()) return parse(text);
    complaints out;
    out.error({}, fmt::format("cannot be read: {}", failure));
    return {std::nullopt, out.take(), {}};
}

}  // namespace etcdsync::config
