// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keys/key_range.hpp"
#include "replication/master/known_history.hpp"
#include "replication/status/context.hpp"
#include "replication/status/outage_log.hpp"
#include "replication/status/status.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Keeps the status of the master as one feed sees it, and writes the log lines about it: each
/// change is logged once, with its cause. `reporter` does the same for a link.
class master_report {
public:
    /// `rule` is the rule of the feed in consistency = "rule", else empty.
    master_report(const context& with, std::string configured_endpoints, std::string rule);

    /// Without `known` and `cluster_id`.
    [[nodiscard]] const master_status& status() const { return status_; }

    /// A watch at `endpoint` delivers. Logged if the master was not connected; `position` is the
    /// one of the log.
    void connected(const std::string& endpoint, revision position);

    /// The watch delivered something new, or was open for long: if the history is lost after this,
    /// that is logged again.
    void progressed() { progressed_ = true; }

    /// The connection or the watch failed, or could not be opened; the next attempt comes after
    /// `pause`. `cover` contains the keys that were read. Until connected(), the log must not count
    /// as complete.
    void failed(const etcd::error& why, const keys::key_range& cover, std::chrono::milliseconds pause);

    void failed_back(const std::string& endpoint) const;

    /// `position` is the one of the log, `current` the revision of the master.
    void history_changed(history_change change, revision position, revision current) const;

    /// Warns once if most of the watch is dropped: the rules could then select the keys better.
    void count_events(std::uint64_t seen, std::uint64_t dropped);

private:
    void violated(const std::string& cause);
    /// Without a cause: the next failure begins an outage.
    void lost_history(const etcd::error& why);
    void unusable(const etcd::error& why, const keys::key_range& cover, std::chrono::milliseconds pause);
    /// Logs a line about the master, with rule= if this is the feed of one rule.
    void log(observe::log_level level, std::string_view message, std::vector<observe::log_field> fields) const;

    const context* context_;
    std::string rule_;
    master_status status_;
    outage_log outage_;       ///< causes of the current outage
    bool refused_ = false;    ///< the master denied access, and that was logged
    bool progressed_ = true;  ///< since a lost history was last logged
    bool warned_of_unmatched_ = false;
};

}  // namespace etcdsync::replication
