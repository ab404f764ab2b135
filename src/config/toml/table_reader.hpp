// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/toml/value.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::config {

/// The result of reading one key of a table.
struct reading {
    bool given = false;
    bool good = true;  ///< false: given but invalid, and reported
    place at;          ///< of the value; of the table if the key is not given
};

/// Reads one table key by key, and reports at the end which keys were not read.
class table_reader {
public:
    /// `label` names the table in messages: `[log]`, `slave "edge-1"`.
    table_reader(const toml::table& table, place at, std::string label, complaints& out);

    /// Reads `key` with one of the functions of value.hpp. `into` keeps its default if the key is
    /// missing or invalid.
    template <class T, class Read, class... Args>
    reading value(std::string_view key, T& into, Read read, const Args&... args) {
        reading result{.at = at_};
        if (const toml::node* const node = take(key)) {
            auto read_value = read(*node, context(key), args...);
            result = {true, read_value.has_value(), place_of(*node)};
            if (read_value) into = std::move(*read_value);
        }
        return result;
    }

    /// Reads one of `words`, which are in the order of the enumerators.
    template <class Enum>
    reading choice(std::string_view key, Enum& into, std::span<const std::string_view> words) {
        auto index = static_cast<std::size_t>(into);
        const reading result = value(key, index, read_choice, words);
        into = static_cast<Enum>(index);
        return result;
    }

    /// Reads an array: `each` reads one element and returns whether it is valid.
    using read_element = std::function<bool(const toml::node&, const value_context&)>;
    reading list(std::string_view key, const read_element& each);

    /// The table `[x]` or `x = { ... }`; nothing if it is missing or not a table.
    [[nodiscard]] std::optional<table_reader> table(std::string_view key, std::string label);

    struct element {
        const toml::table* table;
        place at;
    };
    /// The tables `[[key]]`; `result` says whether the key is given and valid.
    [[nodiscard]] std::vector<element> tables(std::string_view key, reading& result);

    /// Reports that one of `keys` must be given and none is: an error at `at` (without a line: at
    /// the table), unless done() finds that one of them is misspelled.
    void missing(std::vector<std::string_view> keys, std::string message, std::string hint, place at = {});

    /// Reports every key that was not read, and missing keys.
    void done();
    /// After done(): true if an unknown key was most likely meant to be this one.
    [[nodiscard]] bool misspelled(std::string_view key) const;

    void rename(std::string label) { label_ = std::move(label); }
    [[nodiscard]] const std::string& label() const { return label_; }
    [[nodiscard]] place at() const { return at_; }
    [[nodiscard]] complaints& out() const { return *out_; }
    [[nodiscard]] const toml::table& raw() const { return *table_; }

private:
    const toml::node* take(std::string_view key);
    [[nodiscard]] value_context context(std::string_view key) const;
    void complain_about_array(const toml::node& node, std::string_view key);
    void complain_about_unknown(const toml::key& key);

    const toml::table* table_;
    place at_;
    std::string label_;
    complaints* out_;
    struct absence {
        std::vector<std::string_view> keys;
        fault what;
        place at;
    };
    std::vector<std::string_view> known_;
    std::vector<absence> missing_;
    std::vector<std::string_view> misspelled_;
};

}  // namespace etcdsync::config
