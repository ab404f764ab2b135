// SPDX-License-Identifier: Apache-2.0
#include "config/toml/key_homes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace etcdsync::config {
namespace {

// Only unambiguous keys: "name" or "dest" exist in several tables.
constexpr std::array<key_home, 29> homes{{
    {"instance", ""},
    {"prefix", "[[rule]]"},
    {"range", "[[rule]]"},
    {"include", "[[rule]]"},
    {"exclude", "[[rule]]"},
    {"strip", "[[rule]]"},
    {"delete", "[[rule]]"},
    {"required", "[[slave]]"},
    {"paused", "[[slave]]"},
    {"prune", "[safety]"},
    {"max_delete", "[safety]"},
    {"on_master_change", "[safety]"},
    {"consistency", "[replication]"},
    {"probe_interval", "[replication]"},
    {"memory_limit", "[replication]"},
    {"log_limit", "[replication]"},
    {"full_sync_parallel", "[replication]"},
    {"txn_max_ops", "[replication]"},
    {"txn_max_bytes", "[replication]"},
    {"request_timeout", "[replication]"},
    {"checkpoint_prefix", "[replication]"},
    {"interval", "[verify]"},
    {"repair", "[verify]"},
    {"listen", "[admin]"},
    {"token_file", "[admin]"},
    {"level", "[log]"},
    {"format", "[log]"},
    {"password_file", "auth = { ... }"},
    {"server_name", "tls = { ... }"},
}};

constexpr std::array<std::string_view, 8> sections{"[master]",      "[[slave]]", "[[rule]]", "[safety]",
                                                   "[replication]", "[verify]",  "[admin]",  "[log]"};

std::string_view bare(std::string_view section) {
    section.remove_prefix(section.find_first_not_of('['));
    return section.substr(0, section.find(']'));
}

}  // namespace

std::span<const key_home> key_homes() { return homes; }

std::string home_of_key(std::string_view key) {
    const auto section = std::ranges::find(sections, key, bare);
    if (section != sections.end()) return fmt::format("{} is a top-level table", *section);
    const auto home = std::ranges::find(homes, key, &key_home::key);
    if (home == homes.end()) return {};
    if (!home->section.empty()) return fmt::format("it belongs in {}", home->section);
    return fmt::format("\"{}\" must come before the first [table]", key);
}

}  // namespace etcdsync::config
