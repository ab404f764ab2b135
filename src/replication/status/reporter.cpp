// SPDX-License-Identifier: Apache-2.0
#include "replication/status/reporter.hpp"

#include "base/escape.hpp"
#include "replication/status/suggestions.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace etcdsync::replication {

std::string_view to_string(link_state state) {
    switch (state) {
        case link_state::connecting: return "connecting";
        case link_state::full_sync: return "full sync";
        case link_state::catching_up: return "catching up";
        case link_state::in_sync: return "in sync";
        case link_state::disconnected: return "disconnected";
        case link_state::held: return "held";
        case link_state::standby: return "standby";
        case link_state::paused: return "paused";
        case link_state::stopped: return "stopped";
    }
    return "unknown";
}

reporter::reporter(const context& with, std::string slave, std::string rule, std::string endpoints) : context_(&with) {
    status_.name = link_name(slave, rule);
    status_.slave = std::move(slave);
    status_.rule = std::move(rule);
    status_.endpoints = std::move(endpoints);
    status_.since = with.clock.now();
}

void reporter::log(observe::log_level level, std::string_view message, std::vector<observe::log_field> fields) const {
    if (!context_->log.wants(level)) return;
    std::vector<observe::log_field> all{{"slave", status_.slave}};
    if (!status_.rule.empty()) all.emplace_back("rule", base::printable(status_.rule));
    all.insert(all.end(), std::make_move_iterator(fields.begin()), std::make_move_iterator(fields.end()));
    context_->log.log(level, message, all);
}

void reporter::change(link_state state, std::string_view cause) {
    if (status_.state != state) status_.since = context_->clock.now();
    status_.state = state;
    status_.cause = cause;
    status_.approvable = false;
    if (state != link_state::full_sync) status_.progress = {};
}

void reporter::wait(std::string_view cause) { change(link_state::connecting, cause); }

void reporter::enter(link_state state, std::string_view cause) {
    change(state, cause);
    const bool another_try = state == link_state::full_sync || state == link_state::catching_up;
    if (another_try && is_parked()) return;
    parked_ = false;
    if (logged_ == state && !cause.empty()) log_failed_retry(cause);
    if (logged_ == state || state == link_state::stopped) return;
    logged_ = state;
    const bool for_operator = state == link_state::connecting && !cause.empty();
    const auto level = for_operator ? observe::log_level::warn : observe::log_level::info;
    if (state == link_state::standby) {  // how far the slave is, the other process knows
        log(level, "standby: another etcd-sync replicates to this slave", {{"cause", cause}});
    } else if (cause.empty()) {
        log(level, to_string(state), {{"revision", status_.applied}});
    } else {
        log(level, to_string(state),
            with_check({{"revision", status_.applied}, {"cause", cause}}, context_->program, cause));
    }
}

void reporter::held(std::string_view cause, bool approvable) {
    change(link_state::held, cause);
    status_.approvable = approvable;
    parked_ = false;
    if (std::exchange(logged_, link_state::held) == link_state::held) return log_failed_retry(cause);
    std::vector<observe::log_field> fields{{"revision", status_.applied}, {"cause", cause}};
    if (approvable) {
        const suggestions commands = suggest_approval(context_->program, status_.slave, false);
        fields.emplace_back("preview", commands.preview);
        fields.emplace_back("approve", commands.approve);
    }
    log(observe::log_level::warn, "held: needs approval", std::move(fields));
}

void reporter::log_failed_retry(std::string_view cause) const {
    log(observe::log_level::debug, "retry failed", {{"cause", cause}});
}

void reporter::disconnected(std::string_view cause, std::chrono::milliseconds pause) {
    change(link_state::disconnected, cause);
    status_.next_try = context_->clock.now() + pause;
    const bool continues = logged_ == link_state::disconnected;
    if (!continues) outage_.begin(cause);
    if (continues && !outage_.should_log(cause, context_->clock.now())) return log_failed_retry(cause);
    logged_ = link_state::disconnected;
    log(observe::log_level::warn, fmt::format("{}disconnected{}", continues ? "still " : "", retrying()),
        with_check({{"cause", cause}, {"retry_in", pause}}, context_->program, cause));
}

void reporter::parked(std::string_view cause, std::chrono::milliseconds pause) {
    change(link_state::disconnected, cause);
    status_.next_try = context_->clock.now() + pause;
    const bool continues = is_parked();
    if (continues && !outage_.should_log(cause, context_->clock.now())) return log_failed_retry(cause);
    if (!continues) outage_.begin(cause);
    parked_ = true;
    written_ = status_.puts + status_.deletes;
    logged_ = link_state::disconnected;
    log(observe::log_level::warn, fmt::format("slave rejected the write{}", retrying()),
        with_check({{"cause", cause}, {"retry_in", pause}}, context_->program, cause));
}

}  // namespace etcdsync::replication
