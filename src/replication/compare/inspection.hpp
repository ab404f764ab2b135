// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/backoff.hpp"
#include "etcd/cluster.hpp"
#include "replication/compare/comparison.hpp"
#include "replication/compare/guard.hpp"
#include "replication/mapping/mapping.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/status/context.hpp"
#include "replication/status/status.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// One key that is not the same on both sides.
struct difference {
    enum class kind : std::uint8_t {
        missing,    ///< on the master, not on the slave
        different,  ///< in value
        extra,      ///< only on the slave: a full sync would delete it
        foreign,    ///< only on the slave, and kept: it stood there before we came
        kept,       ///< only on the slave, and kept by `delete = false` or `prune = "off"`
    };
    kind what = kind::missing;
    std::string_view key;  ///< of the slave; holds during the call
    std::size_t master_bytes = 0;
    std::size_t slave_bytes = 0;  ///< of a different one
};

struct inspection_settings {
    std::string instance;
    std::string checkpoint_key;
    std::size_t page_bytes = 1U << 20;
    config::safety safety;
    bool approve = false;  ///< as `sync --approve` would see it: keys that stood on the slave before we came are ours
    bool at_present = false;  ///< with the master as it is now, not as it was at the revision the record speaks of
    bool one_rule = false;    ///< in consistency = "rule": the keys are those of one rule
};

/// What an inspection found. Where it failed: up to there.
struct inspection_report {
    revision master_revision = 0;  ///< what was compared, at last; 0: nothing was
    revision slave_revision = 0;
    std::string why_present;  ///< why not at the revision of the slave's record; empty: at it, or not requested
    bool at_record = false;
    std::uint64_t compared = 0;  ///< keys of the master
    std::uint64_t missing = 0;
    std::uint64_t different = 0;
    std::uint64_t extra = 0;
    std::uint64_t foreign = 0;
    std::uint64_t kept = 0;
    std::string guard_violation;  ///< with `at_present`: why a guard would hold a sync; empty: none would
    struct failure {
        failure() = default;
        failure(bool at_master, etcd::error what) : of_master(at_master), why(std::move(what)) {}
        bool of_master = false;
        etcd::error why;
    };
    std::optional<failure> failed;

    [[nodiscard]] std::uint64_t changes() const { return missing + different + extra; }
};

/// Why the master as it was at the revision of `stored` is not what the slave has to equal; empty: it is. `master` heads a
/// linearizable answer. Pure.
[[nodiscard]] std::string why_not_at_record(const std::optional<base::result<checkpoint>>& stored,
                                            const etcd::response_header& master, std::string_view instance);

/// Compares one slave with the master and writes nothing, on neither. Both sides are pinned: the slave at its present revision,
/// the master at the one the slave's record speaks of, so that a daemon at work beside it makes no difference. Where a pinned
/// revision is compacted, or a connection breaks, new ones are taken and it continues after the keys it has reported.
class inspection {
public:
    /// `listener` hears of every difference, in the order of the slave's keys; false ends the inspection.
    using listener = std::function<bool(const difference&)>;

    inspection(const context& with, mapping keys, etcd::cluster slave, etcd::cluster master,
               inspection_settings settings, listener report);

    aio::awaitable<inspection_report> run();

    [[nodiscard]] const sync_progress& progress() const { return progress_; }

private:
    using failure = inspection_report::failure;
    using outcome = std::optional<failure>;  ///< nothing: it went well

    aio::awaitable<outcome> attempt();
    aio::awaitable<outcome> pin(etcd::kv& slave, etcd::kv& master);
    aio::awaitable<outcome> pin_master(etcd::kv& master, const etcd::response_header& now);
    aio::awaitable<outcome> count(etcd::kv& master);
    aio::awaitable<outcome> predict_guard(etcd::kv& master);
    aio::awaitable<outcome> compare_segment(const segment& where, etcd::kv& slave, etcd::kv& master);
    void take(const comparison::step& found);
    difference::kind note(const comparison::step& found);
    [[nodiscard]] bool worth_another_try(const failure& met);

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
    std::optional<base::result<checkpoint>> record_;  ///< of the slave, as pinned
    std::vector<span> spans_;
    std::string frontier_;       ///< every key of the slave below it was reported
    revision compacted_ = 0;     ///< found so on the master
    std::string last_frontier_;  ///< where the last attempt ended
    bool begun_ = false;         ///< both sides answered once
    unsigned failures_ = 0;      ///< in a row, without a key between
    bool unwanted_ = false;      ///< the listener wants no more
};

}  // namespace etcdsync::replication
