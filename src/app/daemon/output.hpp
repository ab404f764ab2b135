// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"

#include <string>
#include <string_view>

namespace etcdsync::app {

/// Where a command writes: results to stdout, text for people to stderr.
class output {
public:
    /// Why results could not be written.
    enum class breakage {
        none,
        reader_gone,  ///< it has read enough, as `head` does
        failed,
    };

    virtual ~output() = default;

    /// Writes a result. False if that failed, now or before.
    virtual bool write(std::string_view text) = 0;
    virtual bool flush() = 0;
    [[nodiscard]] virtual breakage broken_by() const = 0;
    /// The error of a breakage.
    [[nodiscard]] virtual std::string cause() const = 0;
    [[nodiscard]] bool broken() const { return broken_by() != breakage::none; }

    /// Writes whole lines to stderr.
    virtual void complain(std::string_view lines) = 0;
    /// The same for lines about a failure that are in the results, too: not if stdout and stderr are the same file.
    virtual void warn(std::string_view lines) = 0;

    /// `code`, or that of a result that was lost.
    [[nodiscard]] exit_code code_after(exit_code code) {
        flush();
        if (broken_by() == breakage::none) return code;
        if (broken_by() == breakage::reader_gone) return exit_code::reader_gone;
        complain("etcd-sync: cannot write to stdout: " + cause() + "\n");
        return exit_code::failed;
    }
};

}  // namespace etcdsync::app
