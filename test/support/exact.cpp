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
    int told = 0;
    const auto tell = [&](std::string_view sigil, const std::string& key) {
        if (++told <= 10) out += fmt::format("{} {}\n", sigil, base::printable(key));
    };
    for (const auto& [key, value] : expected) {
        const auto found = actual.find(key);
        if (found == actual.end()) {
            tell("missing  ", key);
        } else if (found->second != value) {
            tell("different", key);
        }
    }
    for (const auto& [key, value] : actual) {
        if (!expected.contains(key)) tell("too many ", key);
    }
    if (told > 10) out += fmt::format("... {} in all\n", told);
    return out;
}

namespace {

/// Empty where there is none.
std::string checkpoint_of(etcd_client& slave, std::string_view instance) {
    const key_map found = slave.range(fmt::format("{}{}", checkpoint_prefix, instance), {});
    return found.empty() ? std::string() : found.begin()->second;
}

std::int64_t revision_in(const std::string& checkpoint) {
    constexpr std::string_view label = "\"revision\":";
    const std::size_t at = checkpoint.find(label);
    return at == std::string::npos ? -1 : std::atoll(checkpoint.c_str() + at + label.size());
}

}  // namespace

std::int64_t checkpoint_revision(etcd_client& slave, std::string_view instance) {
    return revision_in(checkpoint_of(slave, instance));
}

bool follows_at(etcd_client& slave, std::int64_t revision, std::string_view instance) {
    const std::string checkpoint = checkpoint_of(slave, instance);
    return revision_in(checkpoint) >= revision && checkpoint.find("\"state\":\"follow\"") != std::string::npos;
}

}  // namespace etcdsync::test
