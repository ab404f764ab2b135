// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "observe/log.hpp"

#include <string>
#include <string_view>
#include <vector>

/// The commands that messages suggest. Each one is complete, so that an operator can copy it as it is: it names the configuration,
/// and it changes nothing on another slave. `program` is the start of all of them: `etcd-sync -c FILE`, quoted for a shell. Pure.
namespace etcdsync::replication {

/// Commands for one slave. Empty: it does not apply.
struct suggestions {
    std::string preview;  ///< shows exactly what `approve` would do, and writes nothing
    std::string approve;
    std::string check;  ///< shows which permissions are missing

    friend bool operator==(const suggestions&, const suggestions&) = default;
};

/// How to approve what holds a slave. With `foreign`: how to delete the foreign keys on it.
[[nodiscard]] suggestions suggest_approval(const std::string& program, const std::string& slave, bool foreign);

/// What to do about this cause of a failure.
[[nodiscard]] suggestions suggest_for_failure(const std::string& program, std::string_view cause);

/// The fields of a log line, with the field check= after them if a command shows what to do about `cause`.
[[nodiscard]] std::vector<observe::log_field> with_check(std::vector<observe::log_field> fields,
                                                         const std::string& program, std::string_view cause);

}  // namespace etcdsync::replication
