// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "app/process/foreground.hpp"
#include "app/process/process_environment.hpp"
#include "app/render/slave_result.hpp"
#include "base/result.hpp"
#include "config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::app {

/// The slaves of these names, in the order of the configuration; all where no name is given. The error is a sentence for
/// an operator who mistyped one.
[[nodiscard]] base::result<std::vector<config::slave>> choose_slaves(const config::config& settings,
                                                                     const std::vector<std::string>& names);

/// The configuration of a command that ends by itself, with the chosen slaves only. Errors are printed on stderr; the result is
/// what to exit with.
[[nodiscard]] base::result<config::config, exit_code> one_shot_settings(const options& asked,
                                                                        const process_environment& around);

/// What such a command prints on stderr. Its results say what happened, so the log is only shown on request (-v).
struct one_shot_voice {
    one_shot_voice(const config::config& settings, const options& asked, const process_environment& around);

    stderr_log log;
    observe::logger progress_lines;
};

/// Results on stdout, which may be more than memory holds and slower than a reader; below no bar.
class result_stream {
public:
    explicit result_stream(observe::console& beside) : console_(beside) {}

    /// False once stdout is closed: there is no one left to work for.
    bool write(std::string_view text);
    bool flush();
    /// A sentence for people, on stderr.
    void complain(std::string_view sentence);
    [[nodiscard]] bool broken() const { return broken_; }
    /// `code`, or failed where a result could not be delivered.
    [[nodiscard]] exit_code code_after(exit_code code);

private:
    observe::console& console_;
    bool broken_ = false;
};

/// When to stop waiting for a master: this daemon's patience is without end, that of a command is not. Pure.
class master_patience {
public:
    explicit master_patience(aio::clock::time_point begin) : away_since_(begin) {}

    /// True where nothing is to be hoped for.
    [[nodiscard]] bool is_over(const replication::master_status& master, aio::clock::time_point now);

private:
    aio::clock::time_point away_since_;
    bool was_there_ = false;
};

/// Runs a job done once to its end: by itself, because the master stays away, or because it is asked to stop.
aio::awaitable<sync_result> run_once(foreground& at, replication::replicator& all);

}  // namespace etcdsync::app
