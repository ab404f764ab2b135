// SPDX-License-Identifier: Apache-2.0
#include "support/exact.hpp"

#include "base/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace etcdsync::test {

key_map keys_of(etcd_client& store) {
    key_map keys = store.range();
    std::erase_if(keys, [](const auto& kv) { return kv.first.starts_with(checkpoint_prefix); });
    return keys;
}

key_map with_prefix(const key_map& keys, std::initializer_list<std::string_view> prefixes) {
    key_map out;
    for (const auto& [key, value] : keys) {
        const auto begins = [&k = key](std::string_view prefix) { return k.starts_with(prefix); };
        if (std::any_of(prefixes.begin(), prefixes.end(), begins)) out.emplace(key, value);
    }
    return out;
}

std::string difference(const key_map& expected, const key_map& actual) {
    std::string out;
    int count = 0;
    const auto add = [&](std::string_view sigil, const std::string& key) {
        if (++count <= 10) out += fmt::format("{} {}\n", sigil, base::printable(key));
    };
    for (const auto& [key, value] : expected) {
        const auto found = actual.find(key);
        if (found == actual.end()) {
            add("missing  ", key);
        } else if (found->second != value) {
            add("different", key);
        }
    }
    for (const auto& [key, value] : actual) {
        if (!expected.contains(key)) add("extra    ", key);
    }
    if (count > 10) out += fmt::format("... {} in total\n", count);
    return out;
}

namespace {

/// The position after the string that starts at `at`.
std::size_t end_of_string(std::string_view json, std::size_t at) {
    for (++at; at < json.size() && json[at] != '"'; ++at) {
        if (json[at] == '\\') ++at;
    }
    return at + 1;
}

}  // namespace

std::optional<std::string> json_member(std::string_view json, std::string_view name) {
    const std::string label = fmt::format("\"{}\":", name);
    int depth = 0;
    for (std::size_t at = 0; at < json.size();) {
        const char c = json[at];
        if (c == '"' && depth == 1 && json.substr(at).starts_with(label)) {
            const std::size_t begin = at + label.size();
            if (json.substr(begin).starts_with('"'))
                return std::string(json.substr(begin + 1, end_of_string(json, begin) - begin - 2));
            return std::string(json.substr(begin, json.find_first_of(",}", begin) - begin));
        }
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        at = c == '"' ? end_of_string(json, at) : at + 1;
    }
    return std::nullopt;
}

std::string checkpoint_of(etcd_client& slave, std::string_view instance) {
    const key_map found = slave.range(fmt::format("{}{}", checkpoint_prefix, instance), {});
    return found.empty() ? std::string() : found.begin()->second;
}

std::int64_t checkpoint_revision(etcd_client& slave, std::string_view instance) {
    const auto revision = json_member(checkpoint_of(slave, instance), "revision");
    return revision ? std::atoll(revision->c_str()) : -1;
}

bool follows_at(etcd_client& slave, std::int64_t revision, std::string_view instance) {
    const std::string record = checkpoint_of(slave, instance);
    return std::atoll(json_member(record, "revision").value_or("-1").c_str()) >= revision &&
           json_member(record, "state").value_or("follow") == "follow";
}

}  // namespace etcdsync::test
