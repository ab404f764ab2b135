// SPDX-License-Identifier: Apache-2.0
#include "replication/status/reporter.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

namespace etcdsync::replication {

std::string_view to_string(link_state state) {
    switch (state) {
        case link_state::connecting: return "connecting";
        case link_state::full_sync: return "full sync";
        case link_state::catching_up: return "catching up";
        case link_state::in_sync: return "in sync";
        case link_state::disconnected: return "disconnected";
        case link_state::held: return "HELD";
        case link_state::paused: return "paused";
        case link_state::stopped: return "stopped";
    }
    return "unknown";
}

reporter::reporter(const context& with, std::string name, std::string endpoints) : context_(&with) {
    status_.name = std::move(name);
    status_.endpoints = std::move(endpoints);
    status_.since = with.clock.now();
}

void reporter::change(link_state state, std::string_view cause) {
    if (status_.state != state) status_.since = context_->clock.now();
    status_.state = state;
    status_.cause = cause;
    if (state != link_state::full_sync) status_.progress = {};
}

void reporter::wait(std::string_view cause) { change(link_state::connecting, cause); }

void reporter::enter(link_state state, std::string_view cause) {
    change(state, cause);
    const bool another_try = state == link_state::full_sync || state == link_state::catching_up;
    if (another_try && is_parked()) return;
    parked_ = false;
    if (told_ == state && !cause.empty()) tell_again(cause);
    if (told_ == state || state == link_state::stopped) return;
    told_ = state;
    const std::string line = fmt::format("{}: {}", status_.name, to_string(state));
    const bool for_a_person = state == link_state::held || state == link_state::connecting;
    if (cause.empty()) {
        context_->log.info(line, {{"revision", status_.applied}});
    } else if (for_a_person) {
        context_->log.warn(line, {{"revision", status_.applied}, {"cause", cause}});
    } else {
        context_->log.info(line, {{"revision", status_.applied}, {"cause", cause}});
    }
}

void reporter::tell_again(std::string_view cause) const {
    context_->log.debug("one more try failed", {{"slave", status_.name}, {"cause", cause}});
}

void reporter::disconnected(std::string_view cause, std::chrono::milliseconds pause) {
    change(link_state::disconnected, cause);
    status_.next_try = context_->clock.now() + pause;
    const bool goes_on = told_ == link_state::disconnected;
    if (!goes_on) outage_.begin(cause);
    if (goes_on && !outage_.is_news(cause, context_->clock.now())) return tell_again(cause);
    told_ = link_state::disconnected;
    context_->log.warn(fmt::format("{}: {}disconnected{}", status_.name, goes_on ? "still " : "",
                                   context_->once ? "" : "; trying for ever"),
                       {{"cause", cause}, {"next_try", base::format_duration(pause)}});
}

void reporter::parked(std::string_view cause, std::chrono::milliseconds pause) {
    change(link_state::disconnected, cause);
    status_.next_try = context_->clock.now() + pause;
    const bool goes_on = is_parked();
    if (goes_on && !outage_.is_news(cause, context_->clock.now())) return tell_again(cause);
    if (!goes_on) outage_.begin(cause);
    parked_ = true;
    written_ = status_.puts + status_.deletes;
    told_ = link_state::disconnected;
    context_->log.warn(fmt::format("{}: refused by the slave; {}", status_.name,
                                   context_->once ? "nothing more is tried" : "tried again and again"),
                       {{"cause", cause}, {"next_try", base::format_duration(pause)}});
}

}  // namespace etcdsync::replication
