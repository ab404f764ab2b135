// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "entries.hpp"
#include "etcd/kv.hpp"
#include "replication/record/checkpoint.hpp"

#include <rpc.pb.h>
#include <string>

namespace etcdsync::fuzz {

/// The first byte: what was asked for; the second: where the answer is cut.
void range(std::string_view input) {
    source in(input);
    const unsigned how = in.byte();
    etcd::range_query query;
    query.key = "/a/";
    query.range_end = (how & 1U) != 0 ? std::string() : (how & 2U) != 0 ? std::string(1, '\0') : "/b";
    query.limit = how >> 4U;
    query.at = (how & 4U) != 0 ? 100 : 0;
    const std::size_t most = query.limit > 0 ? how >> 4U : etcd::no_limit;
    const std::size_t cut = in.byte();
    const std::string message(in.bytes(input.size()));
    const auto page = etcd::decode_range(message, most);
    etcdserverpb::RangeResponse theirs;
    if (page && most == etcd::no_limit && theirs.ParseFromString(message)) {
        promise(page->kvs.size() == static_cast<std::size_t>(theirs.kvs_size()), "keys: not as protobuf reads it");
        promise(page->count == theirs.count(), "count: not as protobuf reads it");
    }
    const auto part = etcd::decode_range_part(message.substr(0, cut), most);
    promise(!page || part, "the begin of a good answer is malformed");
    promise(!page || part->kvs.size() <= page->kvs.size(), "a part holds more than the whole");
    if (!page || !etcd::check_page(query, *page).empty()) return;
    std::string_view last;
    for (const etcd::key_value& kv : page->kvs) {
        promise(kv.key > last && kv.key >= query.key, "a key out of order");
        promise(query.range_end != "/b" || kv.key < "/b", "a key outside");
        promise(query.at == 0 || kv.mod_revision <= query.at, "a key of the future");
        last = kv.key;
    }
    promise(query.limit == 0 || page->kvs.size() <= most, "more than asked for");
    promise(!page->more || !page->kvs.empty(), "more of nothing");
}

void txn(std::string_view input) {
    const auto answer = etcd::decode_txn(input);
    etcdserverpb::TxnResponse theirs;
    if (!answer || !theirs.ParseFromString(std::string(input))) return;
    promise(answer->succeeded == theirs.succeeded(), "succeeded: not as protobuf reads it");
    promise(answer->header.store_revision == theirs.header().revision(), "revision: not as protobuf reads it");
    promise(answer->responses == static_cast<std::size_t>(theirs.responses_size()),
            "responses: not as protobuf reads it");
}

void checkpoint(std::string_view input) {
    const auto record = replication::parse_checkpoint(input);
    if (!record) {
        promise(base::is_printable_utf8(record.error().text), "an error that can not be printed");
        return;
    }
    promise(etcd::is_possible(record->rev) && record->event_revision <= record->rev, "an impossible revision");
    const std::string text = encode(*record);
    const auto again = replication::parse_checkpoint(text);
    promise(again.has_value(), "what was read can not be read again");
    promise(encode(*again) == text, "what was written is read as something else");
}

}  // namespace etcdsync::fuzz
