// SPDX-License-Identifier: Apache-2.0
#include "replication/record/anchors.hpp"

#include "base/digest.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace etcdsync::replication {
namespace {

constexpr std::size_t most = 4;
constexpr std::size_t newest = 2;  ///< of them, the most recently modified ones

std::string digest_of(std::string_view value) {
    base::digest digest;
    digest.add(value);
    return digest.hex();
}

auto find(anchors& in, std::string_view key) {
    return std::find_if(in.begin(), in.end(), [key](const anchor& a) { return a.key == key; });
}

void update(anchors& of, const log_entry& entry) {
    if (entry.mass_delete) std::erase_if(of, [&](const anchor& a) { return entry.mass_delete->contains(a.key); });
    for (const etcd::event& change : entry.changes) {
        const auto known = find(of, change.kv.key);
        if (known == of.end()) continue;
        of.erase(known);
        if (change.type == etcd::event_type::put) remember(of, anchor_of(change.kv));
    }
}

}  // namespace

anchor anchor_of(const etcd::key_value& kv) {
    return {std::string(kv.key), kv.create_revision, kv.mod_revision, kv.version, digest_of(kv.value)};
}

bool is_unchanged(const anchor& recorded, const etcd::key_value& kv) {
    return kv.mod_revision == recorded.mod_revision && kv.create_revision == recorded.create_revision &&
           kv.version == recorded.version && digest_of(kv.value) == recorded.digest;
}

void remember(anchors& to, anchor fresh) {
    const auto known = find(to, fresh.key);
    if (known != to.end()) to.erase(known);
    const auto place =
        std::find_if(to.begin(), to.end(), [&](const anchor& a) { return a.mod_revision <= fresh.mod_revision; });
    to.insert(place, std::move(fresh));
    if (to.size() > most) to.erase(to.begin() + newest);
}

void follow_changes(anchors& of, std::deque<log_entry>::const_iterator first,
                    std::deque<log_entry>::const_iterator last, const std::function<bool(std::string_view)>& selects) {
    for (auto entry = first; entry != last; ++entry) update(of, *entry);
    std::size_t found = 0;
    std::vector<anchor> fresh;
    for (auto entry = last; entry != first && found < newest;) {
        --entry;
        for (auto change = entry->changes.rbegin(); change != entry->changes.rend() && found < newest; ++change) {
            if (change->type != etcd::event_type::put || !selects(change->kv.key)) continue;
            ++found;
            // One that a later revision deleted or overwrote is no anchor any more.
            const auto overtaken = [&] {
                for (auto later = std::next(entry); later != last; ++later) {
                    for (const etcd::event& other : later->changes) {
                        if (other.kv.key == change->kv.key) return true;
                    }
                }
                return false;
            };
            if (!overtaken()) fresh.push_back(anchor_of(change->kv));
        }
    }
    for (auto a = fresh.rbegin(); a != fresh.rend(); ++a) remember(of, std::move(*a));
}

}  // namespace etcdsync::replication
