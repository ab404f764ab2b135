// SPDX-License-Identifier: Apache-2.0
#include "replication/status/suggestions.hpp"

#include <fmt/format.h>

namespace etcdsync::replication {

suggestions suggest_approval(const std::string& program, const std::string& slave, bool foreign) {
    // A name may begin with "-": as a word of its own it would be an option.
    const std::string what =
        fmt::format("--approve{} --slave{}{}", foreign ? " --foreign" : "", slave.starts_with('-') ? "=" : " ", slave);
    return {.preview = fmt::format("{} sync -n {}", program, what),
            .approve = fmt::format("{} sync {}", program, what),
            .check = {}};
}

suggestions suggest_for_failure(const std::string& program, std::string_view cause) {
    suggestions out;
    if (cause.find("permission denied") != std::string_view::npos) out.check = program + " check-config --connect";
    return out;
}

std::vector<observe::log_field> with_check(std::vector<observe::log_field> fields, const std::string& program,
                                           std::string_view cause) {
    const suggestions commands = suggest_for_failure(program, cause);
    if (!commands.check.empty()) fields.emplace_back("check", commands.check);
    return fields;
}

}  // namespace etcdsync::replication
