// SPDX-License-Identifier: Apache-2.0
#include "app/commands/app.hpp"

#include "app/cli/command_line.hpp"
#include "app/cli/help.hpp"
#include "app/commands/commands.hpp"
#include "app/process/read_environment.hpp"
#include "app/process/standard_output.hpp"
#include "app/process/system_files.hpp"

#include <fmt/format.h>

#include <sys/prctl.h>
#include <sys/resource.h>

namespace etcdsync::app {
namespace {

/// Passwords and tokens will be in memory: no core dump must contain them.
void forbid_core_dumps() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

/// With many slaves or rules the usual soft limit is not enough. The hard one is the administrator's.
void allow_all_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

exit_code deliver(const answer& reply) {
    standard_output to;
    to.complain(reply.err);
    to.warn(reply.warnings);
    to.write(reply.out);
    return to.code_after(reply.code);
}

exit_code dispatch(const options& asked, const process_environment& around, const base::file_reader& files) {
    switch (asked.what) {
        case command::run: return run(asked, around, files);
        case command::sync: return asked.dry_run ? verify(asked, around, files) : sync(asked, around, files);
        case command::verify: return verify(asked, around, files);
        case command::check_config:
            return asked.connect ? check_connections(asked, around, files)
                                 : deliver(check_config(asked, around, files));
        case command::explain: return deliver(explain(asked, around, files));
        case command::version: return deliver(version(asked));
        case command::help: return deliver({.out = long_help(asked.topic)});
        case command::none: break;
    }
    return deliver({.code = exit_code::usage, .err = short_help()});
}

}  // namespace

int main(int argc, const char* const* argv) {
    forbid_core_dumps();  // before a secret is read
    allow_all_descriptors();
    const process_environment around = read_environment();
    const system_files files;
    const auto asked = parse_command_line({argv + (argc > 0 ? 1 : 0), argv + argc});
    if (!asked) {
        const std::string complaint = fmt::format("etcd-sync: {}\nTry: etcd-sync help\n", asked.error().text);
        return static_cast<int>(deliver({.code = exit_code::usage, .err = complaint}));
    }
    return static_cast<int>(dispatch(*asked, around, files));
}

}  // namespace etcdsync::app
