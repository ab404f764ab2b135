// SPDX-License-Identifier: Apache-2.0
#include "app/render/progress_view.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::app {
namespace {

/// Before the meter knows: the average since it began.
double first_guess(const replication::link_status& link, aio::clock::time_point now) {
    const double seconds = std::chrono::duration<double>(now - link.since).count();
    return seconds < 0.5 ? 0 : static_cast<double>(link.progress.done) / seconds;
}

}  // namespace

std::vector<observe::progress> progress_view::update(const replication::status& now_is, aio::clock::time_point now) {
    std::vector<observe::progress> all;
    std::map<std::string, observe::rate_meter> meters;
    for (const replication::link_status& link : now_is.links) {
        if (link.state != replication::link_state::full_sync) continue;
        observe::rate_meter& meter = meters[link.name];
        if (auto known = meters_.find(link.name); known != meters_.end()) meter = std::move(known->second);
        const replication::sync_progress& at = link.progress;
        const double measured = meter.update(now, at.done);
        all.push_back({.name = link.name,
                       .what = at.pass == "prune" ? "full sync (prune)" : "full sync",
                       .done = at.done,
                       .total = at.total,
                       .bytes = at.bytes,
                       .rate = measured > 0 ? measured : first_guess(link, now)});
    }
    meters_ = std::move(meters);
    return all;
}

std::vector<std::string> bar_lines(const std::vector<observe::progress>& all, std::size_t width) {
    std::size_t name_width = 0;
    for (const observe::progress& at : all) name_width = std::max(name_width, at.name.size());
    std::vector<std::string> lines;
    for (const observe::progress& at : all) lines.push_back(observe::bar_line(at, name_width, width));
    return lines;
}

}  // namespace etcdsync::app
