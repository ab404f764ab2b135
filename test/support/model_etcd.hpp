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

/// A model of one etcd: its keys with their history, and its responses. Time and connections are in
/// model_server. It behaves like 3.4, including its traps (facts/etcd-wire.md, faults.md section
/// 8): a delete at exactly the compacted revision is lost silently, a response to a watcher that is
/// behind is cut after 1,000 revisions although its header has the current revision, and a fragment
/// may end inside a revision.
class model_etcd {
public:
    /// The settings of the server.
    struct settings {
        std::uint64_t cluster_id = 0xcdf818194e3a8c32;
        int max_txn_ops = 128;
        std::size_t max_request_bytes = 3U << 19;
        int watch_batch = 1'000;   ///< revisions in one response to a watcher that is behind
        int fragment_events = -1;  ///< events per fragment (etcd counts bytes); -1: no fragments
        /// Rejects nested Txns, compares one key instead of an interval, assigns watch ids itself,
        /// and does not set "canceled" on a watch below its compaction.
        bool like_3_2 = false;
    };
    struct refusal {
        int code = 0;
        std::string text;
    };
    /// The state of a watch on the server.
    struct watcher {
        std::string key;
        std::string range_end;
        std::int64_t id = 0;
        std::int64_t next = 0;  ///< the first revision not sent yet
    };

    model_etcd() = default;
    explicit model_etcd(const settings& how) : settings_(how) {}

    /// Writes as another client does. Returns the revision.
    std::int64_t put(std::string_view key, std::string_view value);
    std::int64_t del(std::string_view key, std::string_view range_end = {});
    void compact(std::int64_t at);
    /// The raft log grows by entries that make no revision, such as of leases and elections.
    void add_raft_entries(std::uint64_t count) { raft_index_ += count; }
    /// The store of a cluster that is restored from a snapshot begins a new raft log.
    void restart_raft_log() { raft_index_ = first_raft_index; }

    /// All Txns that changed something, in their order: what a script would do again.
    [[nodiscard]] const std::vector<etcdserverpb::TxnRequest>& journal() const { return journal_; }

    [[nodiscard]] std::int64_t revision() const { return revision_; }
    [[nodiscard]] std::int64_t compacted() const { return compacted_; }
    [[nodiscard]] bool like_3_2() const { return settings_.like_3_2; }

    /// All keys, now or at a revision. Compaction does not matter: the model keeps everything.
    [[nodiscard]] key_map keys(std::int64_t at = 0) const;

    /// The keys of all events after a revision.
    [[nodiscard]] std::set<std::string> changed_after(std::int64_t rev) const;

    /// Execute a request. Return nothing on success, with `answer` set.
    std::optional<refusal> range(const etcdserverpb::RangeRequest& request, etcdserverpb::RangeResponse& answer) const;
    std::optional<refusal> txn(const etcdserverpb::TxnRequest& request, etcdserverpb::TxnResponse& answer);
    std::optional<refusal> grant(const etcdserverpb::LeaseGrantRequest& request,
                                 etcdserverpb::LeaseGrantResponse& answer);

    /// Ends a lease: its keys are deleted in one revision. False if there is no such lease.
    bool revoke(std::int64_t lease);
    [[nodiscard]] bool has_lease(std::int64_t lease) const { return leases_.count(lease) > 0; }
    /// Attached to a key that exists; 0: none.
    [[nodiscard]] std::int64_t lease_of(const std::string& key) const;

    /// While set, the NOSPACE alarm is raised: puts and new leases are refused.
    bool full = false;

    /// The next response for a watcher, one message or several fragments; none if there are no
    /// events. If `behind`, the events are read from the store (in batches, without what compaction
    /// removed) instead of being forwarded as they happen.
    [[nodiscard]] std::vector<etcdserverpb::WatchResponse> news(watcher& to, bool behind) const;

    void fill_header(etcdserverpb::ResponseHeader& header) const;
    void fill_status(etcdserverpb::StatusResponse& status) const;

private:
    /// One write of a key. A delete has version 0.
    struct version {
        std::int64_t mod = 0;
        std::int64_t create = 0;
        std::int64_t version = 0;
        std::string value;
        bool superseded = false;  ///< by a later operation of the same revision
        std::int64_t lease = 0;
    };
    using history = std::vector<version>;

    [[nodiscard]] const version* find(const std::string& key, std::int64_t at) const;
    [[nodiscard]] bool survives(const history& of, std::size_t index) const;
    [[nodiscard]] bool holds(const etcdserverpb::Compare& compare) const;
    [[nodiscard]] static bool holds(const etcdserverpb::Compare& compare, const version* is);
    [[nodiscard]] std::optional<refusal> check_txn(const etcdserverpb::TxnRequest& request, int limit,
                                                   std::map<std::string, int>& puts) const;
    void apply(const etcdserverpb::TxnRequest& request, std::int64_t at, etcdserverpb::TxnResponse& answer);
    [[nodiscard]] std::optional<refusal> check_put(const etcdserverpb::PutRequest& put) const;
    void write(const std::string& key, const std::string* value, std::int64_t at, std::int64_t lease = 0);
    std::int64_t erase(const std::string& key, const std::string& range_end, std::int64_t at);

    settings settings_;
    std::map<std::string, history> keys_;
    std::map<std::int64_t, std::vector<std::pair<std::string, std::size_t>>> events_;  ///< by revision: key, index
    std::int64_t revision_ = 1;
    std::int64_t compacted_ = 0;
    static constexpr std::uint64_t first_raft_index = 4;
    std::uint64_t raft_index_ = first_raft_index;
    std::vector<etcdserverpb::TxnRequest> journal_;
    std::set<std::int64_t> leases_;
    std::int64_t last_lease_ = 0x694d'0000'0000;
};

}  // namespace etcdsync::test
