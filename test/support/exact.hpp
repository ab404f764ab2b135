// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::test {

/// The prefix of the checkpoints of etcd-sync; comparisons leave it out.
inline constexpr std::string_view checkpoint_prefix = "/.etcd-sync/";

/// All keys of a store except the checkpoints.
key_map keys_of(etcd_client& store);

/// The keys that start with one of `prefixes`.
key_map with_prefix(const key_map& keys, std::initializer_list<std::string_view> prefixes);

/// The first differences as text; empty if both are equal.
std::string difference(const key_map& expected, const key_map& actual);

/// The value of a direct member of a JSON object as text, without quotes. Nothing if there is no
/// member with that name.
std::optional<std::string> json_member(std::string_view json, std::string_view name);

/// The checkpoint of `instance` on a slave, or an empty string if there is none.
std::string checkpoint_of(etcd_client& slave, std::string_view instance = "etcd-sync");

/// "revision" of the checkpoint of `instance` on a slave, or -1 if there is none.
std::int64_t checkpoint_revision(etcd_client& slave, std::string_view instance = "etcd-sync");

/// True if the checkpoint of `instance` says that the slave follows, and that everything up to
/// `revision` of the master is applied.
bool follows_at(etcd_client& slave, std::int64_t revision, std::string_view instance = "etcd-sync");

}  // namespace etcdsync::test
