// SPDX-License-Identifier: Apache-2.0
#include "replication/master/master_report.hpp"

#include "base/escape.hpp"
#include "replication/mapping/explain_read.hpp"
#include "replication/status/suggestions.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace etcdsync::replication {
namespace {

using level = observe::log_level;

std::string_view what_is_wrong(bool refused, bool begins) {
    if (refused) return begins ? "denies access" : "still denies access";
    return begins ? "is not reachable" : "is still not reachable";
}

bool is_refusal(etcd::error_class cls) {
    return cls == etcd::error_class::denied || cls == etcd::error_class::reauthenticate;
}

}  // namespace

master_report::master_report(const context& with, std::string configured_endpoints, std::string rule)
    : context_(&with), rule_(std::move(rule)) {
    status_.endpoint = std::move(configured_endpoints);
    status_.since = with.clock.now();
}

void master_report::log(observe::log_level level, std::string_view message,
                        std::vector<observe::log_field> fields) const {
    if (!context_->log.wants(level)) return;
    std::vector<observe::log_field> all;
    if (!rule_.empty()) all.emplace_back("rule", base::printable(rule_));
    all.insert(all.end(), fields.begin(), fields.end());
    context_->log.log(level, message, all);
}

void master_report::connected(const std::string& endpoint, revision position) {
    status_.endpoint = endpoint;
    if (status_.connected) return;
    status_.connected = true;
    status_.since = context_->clock.now();
    status_.cause.clear();
    log(level::info, "connected to the master", {{"endpoint", endpoint}, {"revision", position}});
}

void master_report::failed_back(const std::string& endpoint) const {
    log(level::info, "failed back to a preferred endpoint of the master", {{"endpoint", endpoint}});
}

void master_report::history_changed(history_change change, revision position, revision current) const {
    const bool other_cluster = change == history_change::other_cluster;
    if (!other_cluster && change != history_change::went_backwards) return;
    log(level::warn, other_cluster ? "the master is another cluster now" : "master revision went backwards",
        {{"known", position}, {"revision", current}});
}

void master_report::failed(const etcd::error& why, const keys::key_range& cover, std::chrono::milliseconds pause) {
    if (why.cls == etcd::error_class::watch_violation) violated(why.text);
    // A lost history is logged once until the master has delivered something else.
    if (loses_history(why.cls) && std::exchange(progressed_, false)) {
        lost_history(why);
    } else {
        unusable(why, cover, pause);
    }
}

void master_report::violated(const std::string& cause) {
    ++status_.violations;
    log(level::warn, "watch protocol violation; comparing every slave",
        {{"cause", cause}, {"times", status_.violations}});
}

void master_report::lost_history(const etcd::error& why) {
    log(level::warn,
        why.cls == etcd::error_class::compacted ? "the master compacted revisions that were not received yet"
                                                : "master history has diverged",
        {{"cause", why.text}});
    status_.connected = false;
    status_.since = context_->clock.now();
    status_.cause.clear();
}

void master_report::unusable(const etcd::error& why, const keys::key_range& cover, std::chrono::milliseconds pause) {
    const bool was_refused = std::exchange(refused_, is_refusal(why.cls));
    const auto now = context_->clock.now();
    const bool begins = status_.connected || status_.cause.empty() || was_refused != refused_;
    status_.connected = false;
    status_.cause = explain_read(why, cover, !rule_.empty());
    status_.failure = why.cls;
    if (begins) {
        outage_.begin(status_.cause);
        status_.since = now;
    }
    if (begins || outage_.should_log(status_.cause, now)) {
        const std::string message =
            fmt::format("the master {}{}", what_is_wrong(refused_, begins), context_->once ? "" : "; retrying");
        log(level::warn, message,
            with_check({{"cause", status_.cause}, {"retry_in", pause}}, context_->program, status_.cause));
    } else {
        log(level::debug, "retry failed", {{"endpoint", status_.endpoint}, {"cause", status_.cause}});
    }
}

void master_report::count_events(std::uint64_t seen, std::uint64_t dropped) {
    constexpr std::uint64_t enough = 10'000;
    if (warned_of_unmatched_ || seen < enough || dropped * 10 < seen * 9) return;
    warned_of_unmatched_ = true;
    log(level::warn, "90% of the watched events match no rule", {{"seen", seen}, {"dropped", dropped}});
}

}  // namespace etcdsync::replication
