// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/backoff.hpp"
#include "etcd/cluster.hpp"
#include "replication/compare/comparison.hpp"
#include "replication/compare/guard.hpp"
#include "replication/compare/segment_pages.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/record/stored_checkpoint.hpp"
#include "replication/status/context.hpp"
#include "replication/status/status.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// One key that differs between master and slave.
struct difference {
    enum class kind : std::uint8_t {
        missing,    ///< on the master, not on the slave
        different,  ///< on both, with different values
        extra,      ///< only on the slave: a full sync would delete it
        adopted,    ///< the same, and a foreign key
        foreign,    ///< only on the slave, and kept: it existed there before etcd-sync
        kept,       ///< only on the slave, and kept by `delete = false` or `prune = "off"`
    };
    kind what = kind::missing;
    std::string_view key;  ///< of the slave; valid during the call
    std::size_t master_bytes = 0;
    std::size_t slave_bytes = 0;  ///< if the values differ
};

struct inspection_settings {
    checkpoint_keys checkpoint;
    std::size_t page_bytes = 1U << 20;
    config::safety safety;
    bool approve = false;                    ///< with `at_present`: as a sync that approves what holds it
    bool adopt = false;                      ///< foreign keys become ours
    std::optional<std::int64_t> max_behind;  ///< revisions; nothing: no limit
    bool at_present = false;  ///< compare with the current revision of the master, not with that of the checkpoint
    bool one_rule = false;    ///< the keys are those of one rule, in consistency = "rule"
};

/// The result of an inspection. If it failed: what it found before.
struct inspection_report {
    revision compared_revision = 0;  ///< of the master: the last one that was compared; 0: none
    revision master_revision = 0;    ///< the present one
    /// How far the slave is behind the present revision. Nothing: it was compared with that one.
    std::optional<std::int64_t> behind;
    bool too_far_behind = false;  ///< more than `max_behind`
    revision slave_revision = 0;
    /// Why the revision of the checkpoint was not used; empty: it was, or was not requested.
    std::string current_cause;
    bool at_checkpoint = false;
    std::uint64_t compared = 0;  ///< keys of the master
    std::uint64_t missing = 0;
    std::uint64_t different = 0;
    std::uint64_t extra = 0;    ///< those that are adopted included
    std::uint64_t adopted = 0;  ///< of them: foreign keys
    std::uint64_t foreign = 0;
    std::uint64_t kept = 0;
    std::string guard_violation;  ///< with `at_present`: why a sync would be held; empty: it would not
    bool approved = false;        ///< the approval would lift that
    struct failure {
        failure() = default;
        failure(bool at_master, etcd::error what) : of_master(at_master), why(std::move(what)) {}
        bool of_master = false;
        etcd::error why;
    };
    std::optional<failure> failed;

    [[nodiscard]] std::uint64_t changes() const { return missing + different + extra; }
};

/// Why the slave cannot be compared with the master at the revision of `stored`; empty: it can.
/// `master` is the header of a linearizable response. Pure.
[[nodiscard]] std::string why_not_at_checkpoint(const std::optional<base::result<checkpoint>>& stored,
                                                const etcd::response_header& master);

/// Compares one slave with the master, and writes to neither. Both sides are pinned to a revision:
/// the slave to its current one, the master to that of the slave's checkpoint, so that a running
/// daemon makes no difference. If a pinned revision is compacted, or a connection breaks, the
/// inspection pins new revisions and continues after the keys it has reported.
class inspection {
public:
    /// Called for every difference, in the order of the slave's keys. Returning false ends the
    /// inspection.
    using listener = std::function<bool(const difference&)>;

    inspection(const context& with, mapping keys, etcd::cluster slave, etcd::cluster master,
               inspection_settings settings, listener report);

    aio::awaitable<inspection_report> run();

    [[nodiscard]] const sync_progress& progress() const { return progress_; }

private:
    using failure = inspection_report::failure;
    using attempt_result = std::optional<failure>;  ///< nothing: success

    aio::awaitable<attempt_result> attempt();
    aio::awaitable<attempt_result> pin(etcd::kv& slave, etcd::kv& master);
    aio::awaitable<attempt_result> pin_master(etcd::kv& master, const etcd::response_header& now);
    aio::awaitable<attempt_result> pin_checkpoint(etcd::kv& master, const checkpoint& record);
    aio::awaitable<attempt_result> count(etcd::kv& master);
    aio::awaitable<attempt_result> predict_guard(etcd::kv& master);
    [[nodiscard]] page_reader::options page_options(revision at) const;
    aio::awaitable<attempt_result> compare_segment(segment_pages::part& pages);
    void take(const comparison::step& found);
    difference::kind note(const comparison::step& found);
    [[nodiscard]] bool should_retry(const failure& met);

    const context* context_;
    mapping keys_;
    etcd::cluster slave_;
    etcd::cluster master_;
    inspection_settings settings_;
    listener listener_;
    base::backoff pauses_;
    inspection_report report_;
    sync_progress progress_;
    census found_;
    std::optional<base::result<checkpoint>> record_;  ///< of the slave at the pinned revision
    std::vector<span> spans_;
    std::string frontier_;       ///< every key of the slave below it was compared
    revision compacted_ = 0;     ///< revisions up to here are compacted on the master
    std::string last_frontier_;  ///< the frontier when the last attempt ended
    bool pinned_once_ = false;   ///< both sides were pinned at least once
    unsigned failures_ = 0;      ///< consecutive failures without progress
    bool stopped_ = false;       ///< the listener returned false
};

}  // namespace etcdsync::replication
