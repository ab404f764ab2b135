// SPDX-License-Identifier: Apache-2.0
#include "replication/record/stored_checkpoint.hpp"

#include <utility>

namespace etcdsync::replication {

std::optional<base::result<checkpoint>> stored_checkpoint::parsed() const {
    if (!text) return std::nullopt;
    return parse_checkpoint(*text);
}

aio::awaitable<etcd::result<stored_checkpoint>> read_checkpoint(etcd::kv slave, checkpoint_keys keys) {
    stored_checkpoint out;
    etcd::range_query query;
    query.max_response = max_checkpoints_bytes;
    query.key = keys.position;
    const auto position = co_await slave.range(query);
    if (!position) co_return position.error();
    out.header = position->header;
    if (position->kvs.empty()) co_return out;
    out.position_revision = position->kvs.front().mod_revision;
    out.text.emplace().position = position->kvs.front().value;
    // At the same revision, so that the two belong together.
    query.key = keys.manifest;
    query.at = out.header.store_revision;
    const auto manifest = co_await slave.range(query);
    if (!manifest) co_return manifest.error();
    if (manifest->kvs.empty()) co_return out;
    out.manifest_revision = manifest->kvs.front().mod_revision;
    out.text->manifest = manifest->kvs.front().value;
    co_return out;
}

}  // namespace etcdsync::replication
