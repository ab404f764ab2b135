// SPDX-License-Identifier: Apache-2.0
#include "config/load.hpp"

#include "base/escape.hpp"
#include "config/draft.hpp"
#include "config/toml_traps.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace etcdsync::config {
namespace {

constexpr std::size_t most_bytes = 1U << 20;

std::optional<toml::table> parse_toml(std::string_view text, complaints& out) {
    if (auto trap = find_toml_trap(text)) {
        out.error(trap->at, std::move(trap->what));
        return std::nullopt;
    }
    try {
        return toml::parse(text);
    } catch (const toml::parse_error& e) {
        const std::string_view text_of = e.description();
        out.error(place_of(e.source()),
                  base::is_printable_utf8(text_of) ? std::string(text_of) : base::printable(text_of));
        return std::nullopt;
    }
}

/// An empty string where it went well, else why not.
std::string read_file(const std::string& path, std::string& text) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), &std::fclose);
    if (!file) return std::strerror(errno);
    char block[16384];
    while (const std::size_t got = std::fread(block, 1, sizeof block, file.get())) {
        text.append(block, got);
        if (text.size() > most_bytes) return "larger than 1 MiB";
    }
    return std::ferror(file.get()) != 0 ? std::strerror(errno) : "";
}

}  // namespace

outcome parse(std::string_view text) {
    complaints out;
    outcome result;
    if (const auto root = parse_toml(text, out)) {
        draft read = read_draft(*root, out);
        check_clusters(read, out);
        check_access(read, out);
        resolve_rules(read, out);
        check_spans(read, out);
        refuse_unsupported(*root, read, out);
        if (!out.has_error()) {
            result.places.push_back(read.master);
            result.places.insert(result.places.end(), read.slaves.begin(), read.slaves.end());
            result.value = std::move(read.value);
        }
    }
    result.diagnostics = out.take();
    return result;
}

outcome load(const std::string& path, std::string& text) {
    text.clear();
    const std::string failure = read_file(path, text);
    if (failure.empty()) return parse(text);
    complaints out;
    out.error({}, fmt::format("can not be read: {}", failure));
    return {std::nullopt, out.take(), {}};
}

}  // namespace etcdsync::config
