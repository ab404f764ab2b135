// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace etcdsync::test {

/// Where etcd-sync keeps its records; left out of every comparison.
inline constexpr std::string_view checkpoint_prefix = "/.etcd-sync/";

/// All keys of a store but the checkpoints.
key_map keys_of(etcd_client& store);

/// Of `keys`, those that begin with one of `prefixes`.
key_map with_prefix(const key_map& keys, std::initializer_list<std::string_view> prefixes);

/// The first differences for people; empty where both are the same to the byte.
std::string difference(const key_map& expected, const key_map& actual);

/// A member of a JSON object as text: what stands between the quotes, or the digits. Of the object itself, not of what stands
/// in it. Nothing: there is none of that name.
std::optional<std::string> json_member(std::string_view json, std::string_view name);

/// The record of `instance` on a slave; empty: there is none.
std::string checkpoint_of(etcd_client& slave, std::string_view instance = "etcd-sync");

/// "revision" of the checkpoint of `instance` on a slave; -1 where there is none.
std::int64_t checkpoint_revision(etcd_client& slave, std::string_view instance = "etcd-sync");

/// True where the record of `instance` says that the slave follows, and everything up to `revision` of the master is applied.
bool follows_at(etcd_client& slave, std::int64_t revision, std::string_view instance = "etcd-sync");

}  // namespace etcdsync::test
