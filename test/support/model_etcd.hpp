// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <rpc.pb.h>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

using key_map = std::map<std::string, std::string>;

/// One etcd as a value: its keys with their history, and what it answers. No time, no connections: model_server has those. It does
/// what 3.4 does, the traps included (facts/etcd-wire.md, faults.md section 8): a delete at exactly the compacted revision is lost
/// without a word, an answer to a watcher behind is cut after 1,000 revisions while its header runs ahead, a fragment may end
/// inside a revision.
class model_etcd {
public:
    /// What the server is started with.
    struct settings {
        std::uint64_t cluster_id = 0xcdf818194e3a8c32;
        int max_txn_ops = 128;
        std::size_t max_request_bytes = 3U << 19;
        int watch_batch = 1'000;   ///< revisions in one answer to a watcher behind
        int fragment_events = -1;  ///< events in one fragment; etcd counts bytes. -1: never cut
        /// Knows no Txn inside a Txn, compares one key where an interval is meant, names its watches itself and does not say
        /// "canceled" of one below its compaction.
        bool like_3_2 = false;
    };
    struct refusal {
        int code = 0;
        std::string text;
    };
    /// A watch as the server keeps it.
    struct watcher {
        std::string key;
        std::string range_end;
        std::int64_t id = 0;
        std::int64_t next = 0;  ///< the first revision not sent yet
    };

    model_etcd() = default;
    explicit model_etcd(const settings& how) : settings_(how) {}

    /// As somebody else's client does it; give the revision.
    std::int64_t put(std::string_view key, std::string_view value);
    std::int64_t del(std::string_view key, std::string_view range_end = {});
    void compact(std::int64_t at);

    [[nodiscard]] std::int64_t revision() const { return revision_; }
    [[nodiscard]] std::int64_t compacted() const { return compacted_; }
    [[nodiscard]] bool like_3_2() const { return settings_.like_3_2; }

    /// All keys, now or at a revision (whatever is compacted: the model forgets nothing).
    [[nodiscard]] key_map keys(std::int64_t at = 0) const;

    /// The keys of all events after a revision.
    [[nodiscard]] std::set<std::string> changed_after(std::int64_t rev) const;

    /// Nothing: it was done and `answer` is filled.
    std::optional<refusal> range(const etcdserverpb::RangeRequest& asked, etcdserverpb::RangeResponse& answer) const;
    std::optional<refusal> txn(const etcdserverpb::TxnRequest& asked, etcdserverpb::TxnResponse& answer);

    /// The next answer for `to`, one message or several fragments; none where there is nothing to say. `behind`: it is read from
    /// the store (in batches, with what compaction left), not passed on as it happens.
    [[nodiscard]] std::vector<etcdserverpb::WatchResponse> news(watcher& to, bool behind) const;

    void fill_header(etcdserverpb::ResponseHeader& header) const;

private:
    /// One write of a key; a tombstone has version 0.
    struct version {
        std::int64_t mod = 0;
        std::int64_t create = 0;
        std::int64_t version = 0;
        std::string value;
        bool superseded = false;  ///< in its own revision, by a later operation
    };
    using history = std::vector<version>;

    [[nodiscard]] const version* find(const std::string& key, std::int64_t at) const;
    [[nodiscard]] bool survives(const history& of, std::size_t index) const;
    [[nodiscard]] bool holds(const etcdserverpb::Compare& compare) const;
    [[nodiscard]] static bool holds(const etcdserverpb::Compare& compare, const version* is);
    [[nodiscard]] std::optional<refusal> wrong_with(const etcdserverpb::TxnRequest& asked, int limit,
                                                    std::map<std::string, int>& puts) const;
    void apply(const etcdserverpb::TxnRequest& asked, std::int64_t at, etcdserverpb::TxnResponse& answer);
    void write(const std::string& key, const std::string* value, std::int64_t at);
    std::int64_t erase(const std::string& key, const std::string& range_end, std::int64_t at);

    settings settings_;
    std::map<std::string, history> keys_;
    std::map<std::int64_t, std::vector<std::pair<std::string, std::size_t>>> events_;  ///< by revision: key, index
    std::int64_t revision_ = 1;
    std::int64_t compacted_ = 0;
};

}  // namespace etcdsync::test
