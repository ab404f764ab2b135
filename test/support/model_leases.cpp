// SPDX-License-Identifier: Apache-2.0
// The leases of model_etcd and model_server.
#include "support/model_server.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace etcdsync::test {
namespace {

namespace pb = etcdserverpb;

constexpr std::string_view grant_path = "/etcdserverpb.Lease/LeaseGrant";
constexpr std::string_view revoke_path = "/etcdserverpb.Lease/LeaseRevoke";
constexpr int not_found = 5;
constexpr int resource_exhausted = 8;
constexpr int unavailable = 14;

}  // namespace

std::optional<model_etcd::refusal> model_etcd::grant(const pb::LeaseGrantRequest& request,
                                                     pb::LeaseGrantResponse& answer) {
    if (full) return refusal{resource_exhausted, "etcdserver: mvcc: database space exceeded"};
    leases_.insert(++last_lease_);
    fill_header(*answer.mutable_header());
    answer.set_id(last_lease_);
    answer.set_ttl(std::max<std::int64_t>(request.ttl(), 2));
    return std::nullopt;
}

bool model_etcd::revoke(std::int64_t lease) {
    if (leases_.erase(lease) == 0) return false;
    std::vector<std::string> attached;
    for (const auto& [key, unused] : keys_) {
        if (lease_of(key) == lease) attached.push_back(key);
    }
    for (const std::string& key : attached) write(key, nullptr, revision_ + 1);
    if (!attached.empty()) ++revision_;
    return true;
}

std::int64_t model_etcd::lease_of(const std::string& key) const {
    const version* const is = find(key, revision_);
    return is == nullptr ? 0 : is->lease;
}

bool model_server::answer_lease(client& from, stream_id id, const std::string& path, const std::string& message,
                                fault what) {
    if (path == grant_path) {
        pb::LeaseGrantRequest request;
        pb::LeaseGrantResponse granted;
        request.ParseFromString(message);
        const auto refused = store_->grant(request, granted);
        if (!refused) start_expiry(granted.id(), granted.ttl());
        if (what != fault::none) return true;
        if (refused)
            from.peer.refuse(id, refused->code, refused->text);
        else
            from.peer.reply(id, granted.SerializeAsString());
    } else if (path == revoke_path) {
        pb::LeaseRevokeRequest request;
        request.ParseFromString(message);
        const bool found = store_->has_lease(request.id());
        asio::post(loop_->io, [this, lease = request.id()] { end_lease(lease); });
        if (what != fault::none) return true;
        if (found)
            from.peer.reply(id, pb::LeaseRevokeResponse().SerializeAsString());
        else
            from.peer.refuse(id, not_found, "etcdserver: requested lease not found");
    } else {
        return false;
    }
    return true;
}

void model_server::handle_renewals(client& from, stream_id id) {
    const std::vector<std::string> messages = from.peer.messages(id);
    if (from.renewals.count(id) == 0) from.peer.begin(id);
    while (from.renewals[id] < messages.size()) {
        const std::string& message = messages[from.renewals[id]++];
        ++requests_;
        const fault what = script ? script(requests_) : fault::none;
        if (what == fault::cut) return cut(from);
        if (what == fault::lost) continue;
        if (fails_renewals != 0) return from.peer.finish(id, fails_renewals, "no renewals here");
        if (what == fault::refused) return from.peer.finish(id, unavailable, "etcdserver: leader changed");
        renew(from, id, message, what);
        if (what == fault::cut_late) return cut(from);
    }
}

void model_server::renew(client& from, stream_id id, const std::string& message, fault what) {
    pb::LeaseKeepAliveRequest request;
    request.ParseFromString(message);
    pb::LeaseKeepAliveResponse renewed;
    store_->fill_header(*renewed.mutable_header());
    renewed.set_id(request.id());
    const auto found = leases_.find(request.id());
    if (found != leases_.end()) {
        renewed.set_ttl(found->second.ttl);
        start_expiry(request.id(), found->second.ttl);
    }
    if (what == fault::none) from.peer.message(id, renewed.SerializeAsString());
}

void model_server::start_expiry(std::int64_t lease, std::int64_t ttl) {
    auto& each = leases_[lease];
    each.ttl = ttl;
    const auto when = loop_->clock.now() + std::chrono::seconds(ttl);
    each.expiry.emplace(loop_->clock, when,
                        [this, lease] { asio::post(loop_->io, [this, lease] { end_lease(lease); }); });
}

void model_server::end_lease(std::int64_t lease) {
    leases_.erase(lease);
    if (store_->revoke(lease)) changed();
}

void model_server::expire_leases() {
    while (!leases_.empty()) end_lease(leases_.begin()->first);
}

}  // namespace etcdsync::test
