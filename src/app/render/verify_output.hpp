// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "app/daemon/output.hpp"
#include "app/daemon/slave_result.hpp"
#include "app/render/verify_summary.hpp"
#include "replication/compare/inspection.hpp"

#include <memory>
#include <string>

namespace etcdsync::app {

/// Writes what `verify` and `sync --dry-run` find while they find it, so that memory does not grow with the number of differences.
/// For each part: its differences, then its report. With --repair then for each slave that differed: its repairs, and its parts again.
class verify_output {
public:
    virtual ~verify_output() = default;

    /// False if the output is broken.
    virtual bool write_difference(const part& of, const replication::difference& d) = 0;
    virtual void write_report(const part& of, const replication::inspection_report& report) = 0;
    virtual void write_repair(const slave_result& of) = 0;
    /// The end, even if the command was interrupted.
    virtual void write_end(const verify_summary& all, exit_code code) = 0;
};

/// `quiet` leaves out what is good, and keys; JSON always has everything. `program`: of suggested commands.
[[nodiscard]] std::unique_ptr<verify_output> make_verify_output(output_format format, bool quiet,
                                                                const std::string& program, output& to);

}  // namespace etcdsync::app
