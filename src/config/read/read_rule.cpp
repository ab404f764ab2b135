// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"
#include "config/selector_range.hpp"
#include "keys/key_range.hpp"
#include "keys/pattern.hpp"

#include <fmt/format.h>

namespace etcdsync::config {
namespace {

/// How the file writes a range end after the last key.
constexpr std::string_view last_key_end{"\0", 1};

std::string shown(std::string_view key) { return base::printable(key, key.size()); }

/// Reads a non-empty key: etcd has no empty keys.
std::optional<std::string> read_selector_key(const toml::node& node, const value_context& in) {
    auto key = read_key(node, in);
    if (!key || !key->empty()) return key;
    in.out.error(place_of(node), fmt::format("{} is empty", in.what),
                 R"(for every key write range = ["\u0000", "\u0000"])");
    return std::nullopt;
}

std::optional<selector> read_range(const toml::node& node, const value_context& in) {
    const toml::array* const ends = node.as_array();
    if (ends == nullptr || ends->size() != 2) {
        in.out.error(place_of(node), "\"range\" must be an array of two keys", R"(write ["/a", "/n"])");
        return std::nullopt;
    }
    auto begin = read_selector_key((*ends)[0], {"the start of \"range\"", in.out});
    auto end = read_selector_key((*ends)[1], {"the end of \"range\"", in.out});
    if (!begin || !end) return std::nullopt;
    if (*end == last_key_end) {
        end->clear();
    } else if (*end <= *begin) {
        in.out.error(place_of(node), "the range is empty: its start must be below its end",
                     *begin == *end ? "for one key write key = \"...\"" : "swap them");
        return std::nullopt;
    }
    return selector{selector::kind::range, *std::move(begin), *std::move(end)};
}

std::optional<selector> read_one_key(const toml::node& node, const value_context& in, selector::kind form) {
    auto key = read_selector_key(node, in);
    if (!key) return std::nullopt;
    return selector{form, *std::move(key), {}};
}

/// Exactly one of key, prefix and range.
void read_selector(table_reader& in, selector& into, rule_notes& notes) {
    struct {
        std::string_view name;
        reading found;
    } forms[] = {
        {"key", in.value("key", into, read_one_key, selector::kind::key)},
        {"prefix", in.value("prefix", into, read_one_key, selector::kind::prefix)},
        {"range", in.value("range", into, read_range)},
    };
    std::string_view first;
    for (const auto& [name, found] : forms) {
        if (!found.given) continue;
        if (!first.empty()) {
            in.out().error(found.at, fmt::format("{} has both \"{}\" and \"{}\"", in.label(), first, name),
                           "write a [[rule]] for each");
            notes.select.good = false;
            continue;
        }
        first = name;
        notes.select = found;
    }
    if (!first.empty()) return;
    in.missing({"key", "prefix", "range"}, fmt::format("{} selects nothing", in.label()),
               R"(write one of key = "/k", prefix = "/p/" or range = ["/a", "/n"])");
}

std::string selector_text(const selector& select) {
    if (select.form != selector::kind::range) return shown(select.begin);
    return fmt::format("[{}, {})", shown(select.begin), select.end.empty() ? "..." : shown(select.end));
}

/// Reads an element of `include` or `exclude`. Refuses patterns that would silently never match.
bool read_pattern(const toml::node& element, const value_context& in, std::vector<std::string>& into) {
    auto text = read_key(element, in);
    if (!text) return false;
    if (element.is_table()) text = keys::literal_pattern(*text);
    const auto parsed = keys::pattern::parse(*text);
    if (!parsed) {
        in.out.error(place_of(element), fmt::format("{}: {}", in.what, parsed.error().text));
        return false;
    }
    if (parsed->form() == keys::pattern::kind::prefix && keys::has_wildcard(*text) && !element.is_table()) {
        in.out.error(place_of(element), "a pattern that ends in \"/\" is a prefix, taken byte for byte",
                     fmt::format("for a glob write \"{}**\"", shown(*text)));
        return false;
    }
    into.push_back(*std::move(text));
    return true;
}

void warn_of_useless(const table_reader& in, const toml::node& element, std::string_view text, const selector& select) {
    const auto parsed = keys::pattern::parse(text);
    if (!parsed || keys::intersect(parsed->bounds(), selector_range(select))) return;
    in.out().warning(place_of(element), fmt::format("matches no key of {}", in.label()),
                     "patterns match the whole key");
}

void read_patterns(table_reader& in, std::string_view key, const rule& of, bool selects,
                   std::vector<std::string>& into) {
    in.list(key, [&](const toml::node& element, const value_context& context) {
        const bool good = read_pattern(element, context, into);
        if (good && selects) warn_of_useless(in, element, into.back(), of.select);
        return good;
    });
}

/// Sets the default of `strip`, or checks its value.
void check_strip(const table_reader& in, rule& value, rule_notes& notes) {
    if (!notes.select.given || !notes.select.good || !notes.strip.good) return;
    if (!notes.strip.given) {
        const bool moved = notes.dest.given && !value.dest.empty() && value.select.form != selector::kind::range;
        if (moved) value.strip = value.select.begin;
        return;
    }
    const keys::key_range selected = selector_range(value.select);
    if (keys::prefix_range(value.strip).contains(selected)) return;
    notes.strip.good = false;
    in.out().error(notes.strip.at, fmt::format("\"strip\" is not a prefix of every key {} can match", in.label()),
                   fmt::format("at most \"{}\"", shown(keys::common_prefix(selected))));
}

void read_rule(table_reader& in, rule& value, rule_notes& notes) {
    read_selector(in, value.select, notes);
    const bool selects = notes.select.given && notes.select.good;
    if (!notes.name.given && selects) value.name = selector_text(value.select);
    if (!value.name.empty()) in.rename(fmt::format("rule \"{}\"", shown(value.name)));
    notes.label = in.label();
    read_patterns(in, "include", value, selects, value.include);
    read_patterns(in, "exclude", value, selects, value.exclude);
    notes.strip = in.value("strip", value.strip, read_key);
    notes.dest = in.value("dest", value.dest, read_key);
    in.value("delete", value.replay_deletes, read_flag);
    check_strip(in, value, notes);
    in.done();
    notes.strip.good = notes.strip.good && !in.misspelled("strip");
    notes.dest.good = notes.dest.good && !in.misspelled("dest");
    notes.name.good = notes.name.good && !in.misspelled("name");
}

std::optional<std::string> read_rule_name(const toml::node& node, const value_context& in) {
    auto name = read_text(node, in);
    if (!name || !name->empty()) return name;
    in.out.error(place_of(node), "the name is empty", "omit it to name the rule after its selector");
    return std::nullopt;
}

}  // namespace

void read_rules(table_reader& root, draft& into) {
    reading all;
    const auto tables = root.tables("rule", all);
    for (const auto& [table, at] : tables) {
        rule& value = into.value.rules.emplace_back();
        rule_notes& notes = into.rules.emplace_back();
        notes.table = table;
        notes.at = at;
        table_reader in(*table, at, tables.size() == 1 ? "[[rule]]" : fmt::format("rule {}", into.rules.size()),
                        root.out());
        notes.name = in.value("name", value.name, read_rule_name);
        if (!value.name.empty()) in.rename(fmt::format("rule \"{}\"", shown(value.name)));
        read_rule(in, value, notes);
        into.rules_are_known = into.rules_are_known && notes.name.good && !value.name.empty();
    }
    into.rules_are_known = into.rules_are_known && all.good && !tables.empty();
    if (all.good && tables.empty()) {
        root.missing({"rule"}, "no rule", "write [[rule]] with prefix = \"/config/\"", all.at);
    }
}

}  // namespace etcdsync::config
