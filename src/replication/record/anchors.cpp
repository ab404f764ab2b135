// SPDX-License-Identifier: Apache-2.0
#include "replication/record/anchors.hpp"

#include "base/digest.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::size_t max_anchors = 4;
constexpr std::size_t newest = 2;  ///< the first anchors: the most recently modified keys

std::string digest_of(std::string_view value) {
    base::digest digest;
    digest.add(value);
    return digest.hex();
}

auto find(anchor_list& in, std::string_view key) {
    return std::find_if(in.begin(), in.end(), [key](const anchor& a) { return a.key == key; });
}

/// True if a later revision deleted or overwrote the key.
bool is_overtaken(std::string_view key, const std::vector<mapped_revision>& revisions, std::size_t after) {
    for (std::size_t later = after + 1; later < revisions.size(); ++later) {
        for (const mapped_change& other : revisions[later].changes) {
            if (other.event->kv.key == key) return true;
        }
    }
    return false;
}

}  // namespace

anchor anchor_of(const etcd::key_value& kv, revision seen_at) {
    return {std::string(kv.key), kv.create_revision, kv.mod_revision, kv.version, digest_of(kv.value), seen_at};
}

bool is_unchanged(const anchor& recorded, const etcd::key_value& kv) {
    return kv.mod_revision == recorded.mod_revision && kv.create_revision == recorded.create_revision &&
           kv.version == recorded.version && (recorded.digest.empty() || digest_of(kv.value) == recorded.digest);
}

void remember(anchor_list& to, anchor fresh) {
    const auto known = find(to, fresh.key);
    if (known != to.end()) to.erase(known);
    const auto place =
        std::find_if(to.begin(), to.end(), [&](const anchor& a) { return a.mod_revision <= fresh.mod_revision; });
    to.insert(place, std::move(fresh));
    if (to.size() > max_anchors) to.erase(to.begin() + newest);
}

void update(anchor_list& of, const log_entry& entry) {
    if (entry.mass_delete) std::erase_if(of, [&](const anchor& a) { return entry.mass_delete->contains(a.key); });
    for (const etcd::event& change : entry.changes) {
        const auto known = find(of, change.kv.key);
        if (known == of.end()) continue;
        of.erase(known);
        if (change.type == etcd::event_type::put) remember(of, anchor_of(change.kv, entry.rev));
    }
}

void follow_changes(anchor_list& of, const std::vector<mapped_revision>& revisions) {
    for (const mapped_revision& mapped : revisions) update(of, *mapped.entry);
    std::size_t found = 0;
    std::vector<anchor> fresh;
    for (std::size_t at = revisions.size(); at > 0 && found < newest; --at) {
        const std::vector<mapped_change>& changes = revisions[at - 1].changes;
        for (auto change = changes.rbegin(); change != changes.rend() && found < newest; ++change) {
            const etcd::event& event = *change->event;
            if (event.type != etcd::event_type::put) continue;
            ++found;
            if (!is_overtaken(event.kv.key, revisions, at - 1))
                fresh.push_back(anchor_of(event.kv, revisions[at - 1].entry->rev));
        }
    }
    for (auto a = fresh.rbegin(); a != fresh.rend(); ++a) remember(of, std::move(*a));
}

void move_to(anchor_list& anchors, revision from, revision to) {
    for (anchor& a : anchors) {
        if (a.seen_at >= from) a.seen_at = std::max(a.seen_at, to);
    }
}

}  // namespace etcdsync::replication
