// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/exit_code.hpp"

#include <string_view>

namespace etcdsync::app {

/// Where a command writes: results to stdout, text for people to stderr.
class output {
public:
    virtual ~output() = default;

    /// Writes a result. False if that failed, now or before: for example because the reader of stdout exited.
    virtual bool write(std::string_view text) = 0;
    virtual bool flush() = 0;
    [[nodiscard]] virtual bool broken() const = 0;

    /// Writes whole lines to stderr.
    virtual void complain(std::string_view lines) = 0;

    /// `code`, or `failed` if a result could not be written.
    [[nodiscard]] exit_code code_after(exit_code code) {
        if (flush()) return code;
        complain("etcd-sync: cannot write to stdout\n");
        return code == exit_code::ok ? exit_code::failed : code;
    }
};

}  // namespace etcdsync::app
