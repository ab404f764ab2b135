// SPDX-License-Identifier: Apache-2.0
#include "config/check/parse.hpp"

#include "base/escape.hpp"
#include "config/read/draft.hpp"
#include "config/toml/toml_traps.hpp"

#include <string>
#include <utility>

namespace etcdsync::config {
namespace {

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

}  // namespace

parse_result parse(std::string_view text) {
    complaints out;
    parse_result result;
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

}  // namespace etcdsync::config
