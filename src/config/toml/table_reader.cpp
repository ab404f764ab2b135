// SPDX-License-Identifier: Apache-2.0
#include "config/toml/table_reader.hpp"

#include "base/escape.hpp"
#include "base/text.hpp"
#include "config/toml/key_homes.hpp"
#include "config/toml/secret_mask.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::config {

table_reader::table_reader(const toml::table& table, place at, std::string label, complaints& out)
    : table_(&table), at_(at), label_(std::move(label)), out_(&out) {}

const toml::node* table_reader::take(std::string_view key) {
    known_.push_back(key);
    return table_->get(key);
}

value_context table_reader::context(std::string_view key) const { return {fmt::format("\"{}\"", key), *out_}; }

void table_reader::complain_about_array(const toml::node& node, std::string_view key) {
    const auto text = node.value_exact<std::string>();
    complain_about_type(node, context(key), "an array",
                        text ? fmt::format("write [\"{}\"]", without_secrets(base::printable(*text))) : "write [...]");
}

reading table_reader::list(std::string_view key, const read_element& each) {
    const toml::node* const node = take(key);
    if (node == nullptr) return {.at = at_};
    reading result{true, true, place_of(*node)};
    const toml::array* const array = node->as_array();
    if (array == nullptr) {
        complain_about_array(*node, key);
        result.good = false;
        return result;
    }
    const value_context in{fmt::format("an element of \"{}\"", key), *out_};
    for (const toml::node& node_in : *array) result.good = each(node_in, in) && result.good;
    return result;
}

std::optional<table_reader> table_reader::table(std::string_view key, std::string label) {
    const toml::node* const node = take(key);
    if (node == nullptr) return std::nullopt;
    if (const toml::table* const inner = node->as_table()) {
        return table_reader(*inner, place_of(*node), std::move(label), *out_);
    }
    const bool has_header = label == fmt::format("[{}]", key);
    complain_about_type(*node, context(key), "one table",
                        has_header ? fmt::format("write {}", label) : fmt::format("write {} = {{ ... }}", key));
    return std::nullopt;
}

std::vector<table_reader::element> table_reader::tables(std::string_view key, reading& result) {
    std::vector<element> found;
    const toml::node* const node = take(key);
    if (node == nullptr) return found;
    result = {true, true, place_of(*node)};
    const std::string form = fmt::format("write [[{}]]", key);
    const toml::array* const array = node->as_array();
    if (array == nullptr) {
        complain_about_type(*node, context(key), "an array of tables", form);
        result.good = false;
        return found;
    }
    for (const toml::node& node_in : *array) {
        if (const toml::table* const inner = node_in.as_table()) {
            found.push_back({inner, place_of(node_in)});
        } else {
            complain_about_type(node_in, {fmt::format("an element of \"{}\"", key), *out_}, "a table", form);
            result.good = false;
        }
    }
    return found;
}

void table_reader::missing(std::vector<std::string_view> keys, std::string message, std::string hint, place at) {
    missing_.push_back({std::move(keys), {std::move(message), std::move(hint)}, at.line != 0 ? at : at_});
}

void table_reader::complain_about_unknown(const toml::key& key) {
    std::string hint = home_of_key(key.str());
    if (hint.empty()) {
        const std::string_view near = base::nearest(key.str(), known_);
        if (!near.empty()) misspelled_.push_back(near);
        hint = did_you_mean(key.str(), known_);
    }
    const std::string where = label_.empty() ? "" : fmt::format(" in {}", label_);
    out_->error(place_of(key.source()), fmt::format("unknown key \"{}\"{}", base::printable(key.str()), where),
                std::move(hint));
}

void table_reader::done() {
    for (const auto& [key, node] : *table_) {
        if (std::ranges::find(known_, key.str()) == known_.end()) complain_about_unknown(key);
    }
    for (absence& absent : std::exchange(missing_, {})) {
        const bool is_misspelled =
            std::ranges::any_of(absent.keys, [&](std::string_view key) { return misspelled(key); });
        if (!is_misspelled) out_->error(absent.at, std::move(absent.what));
    }
}

bool table_reader::misspelled(std::string_view key) const {
    return std::ranges::find(misspelled_, key) != misspelled_.end();
}

}  // namespace etcdsync::config
