// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "entries.hpp"
#include "etcd/kv.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/record/leader_record.hpp"

#include <rpc.pb.h>
#include <string>

namespace etcdsync::fuzz {

/// The first byte selects the query, the second where the response is truncated.
void range(std::string_view input) {
    source in(input);
    const unsigned how = in.byte();
    etcd::range_query query;
    query.key = "/a/";
    query.range_end = (how & 1U) != 0 ? std::string() : (how & 2U) != 0 ? std::string(1, '\0') : "/b";
    query.limit = how >> 4U;
    query.at = (how & 4U) != 0 ? 100 : 0;
    const std::size_t max_keys = query.limit > 0 ? how >> 4U : etcd::no_limit;
    const std::size_t cut = in.byte();
    const std::string message(in.bytes(input.size()));
    const auto page = etcd::decode_range(message, max_keys);
    etcdserverpb::RangeResponse theirs;
    if (page && max_keys == etcd::no_limit && theirs.ParseFromString(message)) {
        require(page->kvs.size() == static_cast<std::size_t>(theirs.kvs_size()),
                "keys: protobuf decodes another number");
        require(page->count == theirs.count(), "count: protobuf decodes another one");
    }
    const auto part = etcd::decode_range_part(message.substr(0, cut), max_keys);
    require(!page || part, "the start of a valid response is malformed");
    require(!page || part->kvs.size() <= page->kvs.size(), "a part has more keys than the whole");
    if (!page || !etcd::check_page(query, *page).empty()) return;
    std::string_view last;
    for (const etcd::key_value& kv : page->kvs) {
        require(kv.key > last && kv.key >= query.key, "a key out of order");
        require(query.range_end != "/b" || kv.key < "/b", "a key outside the range");
        require(query.at == 0 || kv.mod_revision <= query.at, "a key of a later revision");
        last = kv.key;
    }
    require(query.limit == 0 || page->kvs.size() <= max_keys, "more keys than requested");
    require(!page->more || !page->kvs.empty(), "more keys announced after none");
}

void txn(std::string_view input) {
    const auto answer = etcd::decode_txn(input);
    etcdserverpb::TxnResponse theirs;
    if (!answer || !theirs.ParseFromString(std::string(input))) return;
    require(answer->succeeded == theirs.succeeded(), "succeeded: protobuf decodes another value");
    require(answer->header.store_revision == theirs.header().revision(), "revision: protobuf decodes another one");
    require(answer->responses == static_cast<std::size_t>(theirs.responses_size()),
            "responses: protobuf decodes another number");
}

void checkpoint(std::string_view input) {
    // The position and the manifest, in two lines.
    const std::size_t end = input.find('\n');
    replication::checkpoint_text both{std::string(input.substr(0, end)), std::nullopt};
    if (end != std::string_view::npos) both.manifest = input.substr(end + 1);
    const auto record = replication::parse_checkpoint(both);
    if (!record) {
        require(base::is_printable_utf8(record.error().text), "an error that is not printable");
        return;
    }
    require(etcd::is_possible(record->rev) && record->event_revision <= record->rev, "an impossible revision");
    const replication::checkpoint_text text = encode(*record);
    const auto again = replication::parse_checkpoint(text);
    require(again.has_value(), "an encoded checkpoint cannot be parsed");
    require(encode(*again).position == text.position && encode(*again).manifest == text.manifest,
            "an encoded checkpoint is parsed as a different one");
}

void leader(std::string_view input) {
    const auto record = replication::parse_leader_record(input);
    if (!record) {
        require(base::is_printable_utf8(record.error().text), "an error that is not printable");
        return;
    }
    require(base::is_printable_utf8(record->since) && base::is_printable_utf8(record->writer),
            "a text that is not printable");
    const auto again = replication::parse_leader_record(encode(*record));
    require(again.has_value(), "an encoded leader record cannot be parsed");
    require(*again == *record, "an encoded leader record is parsed as a different one");
}

}  // namespace etcdsync::fuzz
