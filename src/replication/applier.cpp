// SPDX-License-Identifier: Apache-2.0
#include "replication/applier.hpp"

#include "base/text.hpp"

#include <utility>

namespace etcdsync::replication {

etcd::range_query applier::checkpoint_query() const {
    etcd::range_query query;
    query.key = key_;
    return query;
}

aio::awaitable<etcd::result<applier::found>> applier::read() {
    const etcd::range_query query = checkpoint_query();
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    found out;
    out.slave_revision = page->header.store_revision;
    mod_revision_ = 0;
    text_.clear();
    if (!page->kvs.empty()) {
        mod_revision_ = page->kvs.front().mod_revision;
        text_ = page->kvs.front().value;
        out.record = parse_checkpoint(text_);
        if (*out.record) record_.seq = (*out.record)->seq;
    }
    ours_ = out.record && *out.record && (*out.record)->writer == context_->writer;
    if (ours_) record_ = **out.record;
    co_return out;
}

aio::awaitable<etcd::result<bool>> applier::commit(const batch& writes, checkpoint next, unsigned max_ops) {
    next.seq = record_.seq + 1;
    next.time = base::format_time(context_->clock.wall());
    std::string text = encode(next);
    etcd::guard before;
    before.key = key_;
    before.mod_revision = mod_revision_;
    before.value = text_;
    std::string framed = etcd::encode_guarded_txn(before, writes.writes(), text, max_ops);
    ours_ = false;
    in_flight_ = true;
    const auto answer = co_await kv_.txn(std::move(framed));
    in_flight_ = false;
    if (!answer) co_return answer.error();
    if (!answer->succeeded) co_return false;
    record_ = std::move(next);
    last_written_ = record_.seq;
    ours_ = record_.writer == context_->writer;
    text_ = std::move(text);
    mod_revision_ = answer->header.store_revision;
    co_return true;
}

aio::awaitable<etcd::result<bool>> applier::undisturbed() {
    const etcd::range_query query = checkpoint_query();
    const auto page = co_await kv_.range(query);
    if (!page) co_return page.error();
    co_return page->kvs.size() == 1 && page->kvs.front().mod_revision == mod_revision_ &&
        page->kvs.front().value == text_;
}

}  // namespace etcdsync::replication
