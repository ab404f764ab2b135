// SPDX-License-Identifier: Apache-2.0
#include "app/commands/commands.hpp"
#include "app/commands/inspector.hpp"
#include "app/commands/one_shot.hpp"
#include "app/daemon/daemon.hpp"
#include "app/daemon/settings.hpp"
#include "app/process/foreground.hpp"
#include "app/process/progress_display.hpp"
#include "app/process/standard_output.hpp"
#include "app/render/progress_view.hpp"
#include "app/render/verify_output.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

namespace etcdsync::app {
namespace {

/// One run of the command over all slaves.
class verification {
public:
    verification(environment with, const config::config& settings, const options& asked, output& out)
        : env_(std::move(with)), settings_(settings), asked_(asked), out_(out),
          inspector_(env_, settings,
                     {.at_present = asked.dry_run,
                      .approve = asked.approve,
                      .foreign = adoption_of(asked),
                      .max_behind = asked.max_behind}),
          writer_(make_verify_output(asked.format, asked.quiet, env_.program, out)) {}

    aio::awaitable<exit_code> run();
    [[nodiscard]] std::vector<observe::progress> progress();

private:
    /// The outcomes of the parts of one slave.
    using ends = std::vector<outcome>;

    aio::awaitable<> compare(const config::slave& slave, const std::set<std::string>& without, ends& into);
    aio::awaitable<> repair();
    [[nodiscard]] config::config differing() const;
    std::set<std::string> take(const sync_result& result, const config::slave& slave, ends& into);
    bool note(const part& of, const replication::difference& d);
    bool note_report(const part& of, const replication::inspection_report& report, ends& into);
    [[nodiscard]] exit_code code() const;
    [[nodiscard]] bool has(outcome how) const;
    [[nodiscard]] bool over() const { return env_.signals.stop_requested() || out_.broken(); }

    environment env_;
    const config::config& settings_;
    const options& asked_;
    output& out_;
    inspector inspector_;
    std::unique_ptr<daemon> repairing_;
    progress_view view_;
    std::vector<ends> ends_;  ///< one entry per slave of the configuration
    verify_summary summary_;
    bool repaired_ = false;
    std::unique_ptr<verify_output> writer_;
};

bool holds(const std::vector<outcome>& all, outcome how) { return std::ranges::find(all, how) != all.end(); }

bool verification::has(outcome how) const {
    return std::ranges::any_of(ends_, [how](const ends& of_slave) { return holds(of_slave, how); });
}

bool verification::note(const part& of, const replication::difference& d) {
    using kind = replication::difference::kind;
    const bool stays = d.what == kind::foreign || d.what == kind::kept;
    if (stays && asked_.verbose == 0) return !over();
    return writer_->write_difference(of, d) && !over();
}

bool verification::note_report(const part& of, const replication::inspection_report& report, ends& into) {
    const outcome how = over() ? outcome::interrupted : outcome_of(report);
    into.push_back(how);
    if (how == outcome::interrupted) return false;
    if (!repaired_) summary_.differences += report.changes();
    if (!repaired_ && report.too_far_behind) ++summary_.too_far_behind;
    writer_->write_report(of, report);
    return out_.flush();
}

aio::awaitable<> verification::compare(const config::slave& slave, const std::set<std::string>& without, ends& into) {
    bool whole = true;
    inspector::listener listener;
    listener.found = [this](const part& of, const replication::difference& d) { return note(of, d); };
    listener.done = [&](const part& of, const replication::inspection_report& report) {
        if (report.failed) whole = false;
        return note_report(of, report, into);
    };
    co_await inspector_.inspect(slave, without, listener);
    if (whole && !repaired_ && !over()) ++summary_.compared;
}

config::config verification::differing() const {
    config::config out = settings_;
    out.slaves.clear();
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        if (holds(ends_[i], outcome::different)) out.slaves.push_back(settings_.slaves[i]);
    }
    return out;
}

/// Writes the repairs of this slave. Returns its rules that are not in sync: they are not compared again.
std::set<std::string> verification::take(const sync_result& result, const config::slave& slave, ends& into) {
    std::set<std::string> ended;
    for (const slave_result& one : result.slaves) {
        if (one.of.slave != slave.name) continue;
        summary_.written += one.puts + one.deletes;
        writer_->write_repair(one);
        if (one.how == outcome::good) continue;
        into.push_back(one.how);
        ended.insert(one.of.rule);
    }
    return ended;
}

aio::awaitable<> verification::repair() {
    replication::job job;
    job.once = true;
    const config::config synced = differing();
    repairing_ = std::make_unique<daemon>(env_, synced, job);
    const sync_result result = co_await repairing_->run_once();
    repairing_.reset();
    repaired_ = true;
    for (std::size_t i = 0; i < ends_.size(); ++i) {
        const config::slave& slave = settings_.slaves[i];
        if (!holds(ends_[i], outcome::different)) continue;
        ends_[i].clear();
        const std::set<std::string> ended = take(result, slave, ends_[i]);
        if (over()) {
            ends_[i].push_back(outcome::interrupted);
        } else {
            co_await compare(slave, ended, ends_[i]);
        }
    }
}

aio::awaitable<exit_code> verification::run() {
    summary_.selected = settings_.slaves.size();
    for (const config::slave& slave : settings_.slaves) {
        if (over()) break;
        const std::set<std::string> none;
        ends now;
        co_await compare(slave, none, now);
        ends_.push_back(std::move(now));
    }
    if (asked_.repair && has(outcome::different) && !over()) co_await repair();
    if (out_.broken()) co_return out_.code_after(exit_code::ok);
    summary_.interrupted = has(outcome::interrupted) || ends_.size() < settings_.slaves.size();
    const exit_code result = summary_.interrupted ? env_.signals.interrupted() : code();
    writer_->write_end(summary_, result);
    co_return out_.code_after(result);
}

exit_code verification::code() const {
    ends all;
    for (const ends& of_slave : ends_) all.insert(all.end(), of_slave.begin(), of_slave.end());
    return code_for(all);
}

std::vector<observe::progress> verification::progress() {
    if (repairing_) return view_.update(repairing_->current(), env_.clock.now());
    return inspector_.progress();
}

}  // namespace

exit_code verify(const options& asked, const process_environment& around, const base::file_reader& files) {
    standard_output early;
    const auto settings = one_shot_settings(asked, around, files, early);
    if (!settings) return settings.error();
    one_shot_log log(*settings, asked, around);
    standard_output out(&log.at.console);
    foreground at(log.at, files);
    environment with = at.environment();
    with.program = own_command(asked, around, files);
    verification all(with, *settings, asked, out);
    progress_display display(log.at.console, log.progress_lines, with.clock, chosen_progress(asked, around),
                             [&all] { return all.progress(); });
    display.run_beside(at.tasks());
    return at.run(all.run());
}

}  // namespace etcdsync::app
