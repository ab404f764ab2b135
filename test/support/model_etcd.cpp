// SPDX-License-Identifier: Apache-2.0
#include "support/model_etcd.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace etcdsync::test {
namespace {

namespace pb = etcdserverpb;

constexpr int out_of_range = 11;
constexpr int invalid_argument = 3;
constexpr int not_found = 5;
constexpr int resource_exhausted = 8;

bool inside(const std::string& key, const std::string& from, const std::string& range_end) {
    if (range_end.empty()) return key == from;
    return key >= from && (range_end == std::string(1, '\0') || key < range_end);
}

}  // namespace

void model_etcd::fill_header(pb::ResponseHeader& header) const {
    header.set_cluster_id(settings_.cluster_id);
    header.set_member_id(0x8e9e05c52164694d);
    header.set_revision(revision_);
    header.set_raft_term(2);
}

void model_etcd::fill_status(pb::StatusResponse& status) const {
    fill_header(*status.mutable_header());
    status.set_raftterm(2);
    status.set_raftindex(raft_index_);
}

std::int64_t model_etcd::put(std::string_view key, std::string_view value) {
    pb::TxnRequest txn;
    pb::PutRequest& put = *txn.add_success()->mutable_request_put();
    put.set_key(std::string(key));
    put.set_value(std::string(value));
    pb::TxnResponse answer;
    if (this->txn(txn, answer)) throw std::logic_error("the model rejected a put");
    return answer.header().revision();
}

std::int64_t model_etcd::del(std::string_view key, std::string_view range_end) {
    pb::TxnRequest txn;
    pb::DeleteRangeRequest& del = *txn.add_success()->mutable_request_delete_range();
    del.set_key(std::string(key));
    del.set_range_end(std::string(range_end));
    pb::TxnResponse answer;
    if (this->txn(txn, answer)) throw std::logic_error("the model rejected a delete");
    return answer.header().revision();
}

void model_etcd::compact(std::int64_t at) {
    if (at > revision_) throw std::logic_error("compaction at a future revision");
    ++raft_index_;
    compacted_ = std::max(compacted_, at);
}

const model_etcd::version* model_etcd::find(const std::string& key, std::int64_t at) const {
    const auto found = keys_.find(key);
    if (found == keys_.end()) return nullptr;
    const history& of = found->second;
    const auto later = std::upper_bound(of.begin(), of.end(), at,
                                        [](std::int64_t rev, const version& each) { return rev < each.mod; });
    if (later == of.begin() || std::prev(later)->version == 0) return nullptr;
    return &*std::prev(later);
}

key_map model_etcd::keys(std::int64_t at) const {
    key_map out;
    for (const auto& [key, unused] : keys_) {
        if (const version* const is = find(key, at == 0 ? revision_ : at)) out[key] = is->value;
    }
    return out;
}

std::set<std::string> model_etcd::changed_after(std::int64_t rev) const {
    std::set<std::string> out;
    for (auto it = events_.upper_bound(rev); it != events_.end(); ++it) {
        for (const auto& [key, unused] : it->second) out.insert(key);
    }
    return out;
}

std::optional<model_etcd::refusal> model_etcd::range(const pb::RangeRequest& request, pb::RangeResponse& answer) const {
    const std::int64_t at = request.revision() > 0 ? request.revision() : revision_;
    if (at > revision_) return refusal{out_of_range, "etcdserver: mvcc: required revision is a future revision"};
    if (at < compacted_) return refusal{out_of_range, "etcdserver: mvcc: required revision has been compacted"};
    fill_header(*answer.mutable_header());
    std::vector<std::pair<const std::string*, const version*>> found;
    for (auto it = keys_.lower_bound(request.key());
         it != keys_.end() && inside(it->first, request.key(), request.range_end()); ++it) {
        if (const version* const is = find(it->first, at)) found.emplace_back(&it->first, is);
    }
    answer.set_count(static_cast<std::int64_t>(found.size()));
    if (request.count_only()) return std::nullopt;
    if (request.sort_order() != pb::RangeRequest::NONE) {
        if (request.sort_order() != pb::RangeRequest::DESCEND || request.sort_target() != pb::RangeRequest::MOD)
            throw std::logic_error("the model does not support this sort order");
        std::stable_sort(found.begin(), found.end(),
                         [](const auto& a, const auto& b) { return a.second->mod > b.second->mod; });
    }
    std::erase_if(found, [&request](const auto& one) {
        return (request.min_mod_revision() > 0 && one.second->mod < request.min_mod_revision()) ||
               (request.max_mod_revision() > 0 && one.second->mod > request.max_mod_revision());
    });
    for (const auto& [key, is] : found) {
        if (request.limit() > 0 && answer.kvs_size() == request.limit()) {
            answer.set_more(true);
            break;
        }
        pb::KeyValue& kv = *answer.add_kvs();
        kv.set_key(*key);
        kv.set_create_revision(is->create);
        kv.set_mod_revision(is->mod);
        kv.set_version(is->version);
        kv.set_lease(is->lease);
        if (!request.keys_only()) kv.set_value(is->value);
    }
    return std::nullopt;
}

bool model_etcd::holds(const pb::Compare& compare) const {
    // The compare must hold for every key of an interval; if there is none, for a key that does not
    // exist.
    const std::string range_end = settings_.like_3_2 ? std::string() : compare.range_end();
    bool any = false;
    bool all = true;
    for (auto it = keys_.lower_bound(compare.key()); it != keys_.end() && inside(it->first, compare.key(), range_end);
         ++it) {
        const version* const is = find(it->first, revision_);
        if (is == nullptr) continue;
        any = true;
        all = all && holds(compare, is);
    }
    return any ? all : holds(compare, nullptr);
}

bool model_etcd::holds(const pb::Compare& compare, const version* is) {
    const auto number = [&compare](std::int64_t actual, std::int64_t expected) {
        switch (compare.result()) {
            case pb::Compare::EQUAL: return actual == expected;
            case pb::Compare::LESS: return actual < expected;
            default: throw std::logic_error("the model does not support this result of a compare");
        }
    };
    switch (compare.target()) {
        case pb::Compare::CREATE: return number(is == nullptr ? 0 : is->create, compare.create_revision());
        case pb::Compare::MOD: return number(is == nullptr ? 0 : is->mod, compare.mod_revision());
        case pb::Compare::VALUE: return is != nullptr && is->value == compare.value();
        default: throw std::logic_error("the model does not support this compare");
    }
}

std::optional<model_etcd::refusal> model_etcd::check_txn(const pb::TxnRequest& request, int limit,
                                                         std::map<std::string, int>& puts) const {
    const int ops = std::max({request.compare_size(), request.success_size(), request.failure_size()});
    if (ops > limit) return refusal{invalid_argument, "etcdserver: too many operations in txn request"};
    for (const pb::RequestOp& op : request.success()) {
        if (op.has_request_txn() && settings_.like_3_2)
            return refusal{invalid_argument, "etcdserver: key not found"};  // 3.2 sees an operation without content
        if (op.has_request_txn()) {
            auto inner = check_txn(op.request_txn(), limit - ops, puts);
            if (inner) return inner;
        }
        if (!op.has_request_put()) continue;
        if (auto wrong = check_put(op.request_put())) return wrong;
        if (++puts[op.request_put().key()] > 1)
            return refusal{invalid_argument, "etcdserver: duplicate key given in txn request"};
    }
    return std::nullopt;
}

std::optional<model_etcd::refusal> model_etcd::check_put(const pb::PutRequest& put) const {
    if (full) return refusal{resource_exhausted, "etcdserver: mvcc: database space exceeded"};
    if (put.key().empty()) return refusal{invalid_argument, "etcdserver: key is not provided"};
    if (put.lease() != 0 && !has_lease(put.lease())) return refusal{not_found, "etcdserver: requested lease not found"};
    return std::nullopt;
}

std::optional<model_etcd::refusal> model_etcd::txn(const pb::TxnRequest& request, pb::TxnResponse& answer) {
    std::map<std::string, int> puts;
    if (auto wrong = check_txn(request, settings_.max_txn_ops, puts)) return wrong;
    if (request.ByteSizeLong() > settings_.max_request_bytes)
        return refusal{invalid_argument, "etcdserver: request is too large"};
    ++raft_index_;
    apply(request, revision_ + 1, answer);
    if (events_.count(revision_ + 1) > 0) {  // a Txn without changes makes no revision
        ++revision_;
        journal_.push_back(request);
    }
    fill_header(*answer.mutable_header());
    return std::nullopt;
}

void model_etcd::apply(const pb::TxnRequest& request, std::int64_t at, pb::TxnResponse& answer) {
    const auto good = [this](const pb::Compare& compare) { return holds(compare); };
    answer.set_succeeded(std::all_of(request.compare().begin(), request.compare().end(), good));
    for (const pb::RequestOp& op : answer.succeeded() ? request.success() : request.failure()) {
        pb::ResponseOp& result = *answer.add_responses();
        if (op.has_request_put()) {
            write(op.request_put().key(), &op.request_put().value(), at, op.request_put().lease());
            result.mutable_response_put();
        } else if (op.has_request_delete_range()) {
            const pb::DeleteRangeRequest& removed = op.request_delete_range();
            result.mutable_response_delete_range()->set_deleted(erase(removed.key(), removed.range_end(), at));
        } else if (op.has_request_txn()) {
            apply(op.request_txn(), at, *result.mutable_response_txn());
        } else {
            throw std::logic_error("the model does not support reads inside a Txn");
        }
    }
}

void model_etcd::write(const std::string& key, const std::string* value, std::int64_t at, std::int64_t lease) {
    const version* const before = find(key, at);
    version next;
    next.mod = at;
    next.lease = lease;
    if (value != nullptr) {
        next.create = before == nullptr ? at : before->create;
        next.version = before == nullptr ? 1 : before->version + 1;
        next.value = *value;
    }
    history& of = keys_[key];
    if (!of.empty() && of.back().mod == at) of.back().superseded = true;
    events_[at].emplace_back(key, of.size());
    of.push_back(std::move(next));
}

std::int64_t model_etcd::erase(const std::string& key, const std::string& range_end, std::int64_t at) {
    std::vector<std::string> removed;
    for (auto it = keys_.lower_bound(key); it != keys_.end() && inside(it->first, key, range_end); ++it) {
        if (find(it->first, at) != nullptr) removed.push_back(it->first);
    }
    for (const std::string& each : removed) write(each, nullptr, at);
    return static_cast<std::int64_t>(removed.size());
}

bool model_etcd::survives(const history& of, std::size_t index) const {
    const version& is = of[index];
    if (is.mod > compacted_) return true;
    return is.mod == compacted_ && is.version > 0 && !is.superseded;  // compaction keeps the latest put of its revision
}

std::vector<pb::WatchResponse> model_etcd::news(watcher& to, bool behind) const {
    std::vector<pb::WatchResponse> out;
    if (behind && to.next < compacted_) {
        pb::WatchResponse& response = out.emplace_back();
        response.mutable_header()->set_cluster_id(settings_.cluster_id);
        response.set_watch_id(to.id);
        response.set_canceled(!settings_.like_3_2);
        response.set_compact_revision(compacted_);
        return out;
    }
    pb::WatchResponse all;
    int revisions = 0;
    auto it = events_.lower_bound(to.next);
    for (; it != events_.end() && (!behind || revisions < settings_.watch_batch); ++it) {
        const int before = all.events_size();
        for (const auto& [key, index] : it->second) {
            const history& of = keys_.at(key);
            if (!inside(key, to.key, to.range_end) || (behind && !survives(of, index))) continue;
            const version& is = of[index];
            pb::Event& event = *all.add_events();
            event.set_type(is.version == 0 ? pb::Event::DELETE : pb::Event::PUT);
            event.mutable_kv()->set_key(key);
            event.mutable_kv()->set_mod_revision(is.mod);
            if (is.version == 0) continue;
            event.mutable_kv()->set_create_revision(is.create);
            event.mutable_kv()->set_version(is.version);
            event.mutable_kv()->set_value(is.value);
        }
        if (all.events_size() > before) ++revisions;
    }
    to.next = it == events_.end() ? std::max(to.next, revision_ + 1) : it->first;
    if (all.events_size() == 0) return out;
    const int size = settings_.fragment_events > 0 ? settings_.fragment_events : all.events_size();
    for (int from = 0; from < all.events_size(); from += size) {
        pb::WatchResponse& part = out.emplace_back();
        fill_header(*part.mutable_header());
        part.set_watch_id(to.id);
        part.set_fragment(from + size < all.events_size());
        for (int i = from; i < std::min(from + size, all.events_size()); ++i) *part.add_events() = all.events(i);
    }
    return out;
}

}  // namespace etcdsync::test
