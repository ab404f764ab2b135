// SPDX-License-Identifier: Apache-2.0
#include "app/commands.hpp"
#include "app/inspector.hpp"
#include "app/one_shot.hpp"
#include "app/progress_display.hpp"
#include "app/settings.hpp"
#include "app/verify_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace etcdsync::app {
namespace {

/// One run of the command over all slaves.
class verification {
public:
    verification(foreground& at, const config::config& settings, const options& asked, observe::console& console)
        : at_(at), settings_(settings), asked_(asked), out_(console),
          inspector_(at, settings, {.at_present = asked.dry_run, .approve = asked.approve}) {}

    aio::awaitable<exit_code> run();
    [[nodiscard]] std::vector<observe::progress> progress();

private:
    aio::awaitable<> compare(const config::slave& slave);
    aio::awaitable<> repair();
    bool tell(const config::slave& slave, const replication::difference& d);
    void tell_report(const config::slave& slave, const replication::inspection_report& report);
    [[nodiscard]] bool json() const { return asked_.format == output_format::json; }
    [[nodiscard]] bool has(outcome how) const;
    [[nodiscard]] bool over() const { return at_.stop_asked() || out_.broken(); }

    foreground& at_;
    const config::config& settings_;
    const options& asked_;
    result_stream out_;
    inspector inspector_;
    std::unique_ptr<replication::replicator> repairing_;
    progress_view view_;
    std::vector<outcome> outcomes_;  ///< of the slaves of the configuration, in their order
    verify_summary summary_;
    bool repaired_ = false;
    std::string headed_;  ///< the slave whose differences are being listed
};

bool verification::has(outcome how) const {
    return std::find(outcomes_.begin(), outcomes_.end(), how) != outcomes_.end();
}

bool verification::tell(const config::slave& slave, const replication::difference& d) {
    using kind = replication::difference::kind;
    const bool stays = d.what == kind::foreign || d.what == kind::kept;
    if (stays && asked_.verbose == 0) return !over();
    if (json()) return out_.write(difference_json(slave.name, d)) && !over();
    if (asked_.quiet) return !over();
    if (headed_ != slave.name) out_.write(slave.name + ":\n");
    headed_ = slave.name;
    return out_.write(difference_line(d)) && !over();
}

void verification::tell_report(const config::slave& slave, const replication::inspection_report& report) {
    headed_.clear();
    const bool good = outcome_of(report) == outcome::good;
    if (json()) {
        out_.write(report_json(slave.name, report));
    } else if (!good || !asked_.quiet) {
        out_.write(report_line(slave.name, report));
    }
    out_.flush();
}

aio::awaitable<> verification::compare(const config::slave& slave) {
    replication::inspection::listener listener = [this, &slave](const replication::difference& d) {
        return tell(slave, d);
    };
    const replication::inspection_report report = co_await inspector_.inspect(slave, std::move(listener));
    const outcome how = over() ? outcome::interrupted : outcome_of(report);
    outcomes_.push_back(how);
    if (how == outcome::interrupted) co_return;
    if (!repaired_) summary_.changes += report.changes();
    if (!repaired_ && !report.failed) ++summary_.compared;
    tell_report(slave, report);
}

aio::awaitable<> verification::repair() {
    std::vector<outcome> before;
    std::swap(before, outcomes_);
    config::config differing = settings_;
    differing.slaves.clear();
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i] == outcome::different) differing.slaves.push_back(settings_.slaves[i]);
    }
    replication::job job;
    job.once = true;
    repairing_ = std::make_unique<replication::replicator>(differing, at_.environment(), job);
    const sync_result result = co_await run_once(at_, *repairing_);
    repairing_.reset();
    repaired_ = true;
    auto done = result.slaves.begin();
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (before[i] != outcome::different) {
            outcomes_.push_back(before[i]);
            continue;
        }
        const slave_result& one = *done++;
        summary_.written += one.puts + one.deletes;
        out_.write(json() ? repair_json(one) : result_line(one));
        if (one.how == outcome::good && !over()) {
            co_await compare(settings_.slaves[i]);
        } else {
            outcomes_.push_back(one.how);
        }
    }
}

aio::awaitable<exit_code> verification::run() {
    summary_.slaves = settings_.slaves.size();
    for (const config::slave& slave : settings_.slaves) {
        if (!over()) co_await compare(slave);
    }
    if (asked_.repair && has(outcome::different) && !over()) co_await repair();
    if (out_.broken()) co_return out_.code_after(exit_code::failed);
    if (has(outcome::interrupted) || outcomes_.size() < settings_.slaves.size()) co_return at_.interrupted();
    const exit_code code = code_for(outcomes_);
    if (json()) {
        out_.write(summary_json(summary_, code));
    } else if (!asked_.quiet) {
        out_.write(summary_line(summary_));
    }
    co_return out_.code_after(code);
}

std::vector<observe::progress> verification::progress() {
    if (repairing_) return view_.update(repairing_->current(), at_.clock().now());
    return inspector_.progress();
}

}  // namespace

exit_code verify(const options& asked, const surroundings& around) {
    const auto settings = one_shot_settings(asked, around);
    if (!settings) return settings.error();
    one_shot_voice voice(*settings, asked, around);
    foreground at(voice.log);
    verification all(at, *settings, asked, voice.log.console);
    progress_display display(voice.log.console, voice.progress_lines, at.clock(), chosen_progress(asked, around),
                             [&all] { return all.progress(); });
    display.run_beside(at.tasks());
    return at.run(all.run());
}

}  // namespace etcdsync::app
