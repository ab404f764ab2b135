// SPDX-License-Identifier: Apache-2.0
#include "support/builders.hpp"

#include <doctest/doctest.h>

#include <rpc.pb.h>
#include <utility>

namespace etcdsync::test {

built_event put(std::string_view key, std::string_view value, etcd::revision rev) {
    return {true, std::string(key), std::string(value), rev, rev, 1};
}

built_event del(std::string_view key, etcd::revision rev) { return {false, std::string(key), {}, rev, 0, 0}; }

std::string encode(const built_answer& answer) {
    etcdserverpb::WatchResponse out;
    out.mutable_header()->set_cluster_id(7);
    out.mutable_header()->set_revision(answer.store_revision);
    out.set_watch_id(answer.watch_id);
    out.set_created(answer.created);
    out.set_fragment(answer.fragment);
    for (const built_event& from : answer.events) {
        etcdserverpb::Event& event = *out.add_events();
        event.set_type(from.put ? etcdserverpb::Event::PUT : etcdserverpb::Event::DELETE);
        event.mutable_kv()->set_key(from.key);
        event.mutable_kv()->set_mod_revision(from.rev);
        if (!from.put) continue;
        event.mutable_kv()->set_value(from.value);
        event.mutable_kv()->set_create_revision(from.create == 0 ? from.rev : from.create);
        event.mutable_kv()->set_version(from.version);
    }
    return out.SerializeAsString();
}

etcd::watch_response decoded(const built_answer& answer) {
    auto out = etcd::decode_watch(encode(answer));
    REQUIRE(out.has_value());
    return std::move(*out);
}

etcd::watch_message events_message(std::vector<built_event> events, etcd::revision store_revision, bool fragment) {
    built_answer answer;
    answer.events = std::move(events);
    answer.store_revision = store_revision;
    answer.fragment = fragment;
    return {etcd::watch_message::kind::events, decoded(answer)};
}

etcd::watch_message progress_message(etcd::revision store_revision) {
    built_answer answer;
    answer.store_revision = store_revision;
    return {etcd::watch_message::kind::progress, decoded(answer)};
}

std::string encode_page(const std::vector<built_key>& kvs, bool more, etcd::revision store_revision) {
    etcdserverpb::RangeResponse out;
    out.mutable_header()->set_cluster_id(7);
    out.mutable_header()->set_revision(store_revision);
    for (const built_key& from : kvs) {
        etcdserverpb::KeyValue& kv = *out.add_kvs();
        kv.set_key(from.key);
        kv.set_value(from.value);
        kv.set_create_revision(from.mod);
        kv.set_mod_revision(from.mod);
        kv.set_version(1);
    }
    out.set_more(more);
    out.set_count(static_cast<std::int64_t>(kvs.size()) + (more ? 1 : 0));
    return out.SerializeAsString();
}

etcd::range_page page(const std::vector<built_key>& kvs, bool more, etcd::revision store_revision) {
    auto out = etcd::decode_range(encode_page(kvs, more, store_revision));
    REQUIRE(out.has_value());
    return std::move(*out);
}

}  // namespace etcdsync::test
