// SPDX-License-Identifier: Apache-2.0
#include "app/commands/app.hpp"

#include "app/cli/command_line.hpp"
#include "app/cli/help.hpp"
#include "app/commands/commands.hpp"
#include "app/process/process_environment.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace etcdsync::app {
namespace {

/// Passwords and tokens will stand in memory: they are not to be left in a core dump, whoever makes it.
void forbid_core_dumps() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

bool write_all(std::FILE* to, const std::string& text) {
    return std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
}

/// A result that could not be delivered is no success.
exit_code deliver(const answer& reply) {
    write_all(stderr, reply.err);
    if (write_all(stdout, reply.out)) return reply.code;
    write_all(stderr, "etcd-sync: stdout could not be written\n");
    return reply.code == exit_code::ok ? exit_code::failed : reply.code;
}

exit_code dispatch(const options& asked, const process_environment& around) {
    switch (asked.what) {
        case command::run: return run(asked, around);
        case command::sync: return asked.dry_run ? verify(asked, around) : sync(asked, around);
        case command::verify: return verify(asked, around);
        case command::check_config:
            return asked.connect ? check_connections(asked, around) : deliver(check_config(asked, around));
        case command::explain: return deliver(explain(asked, around));
        case command::version: return deliver(version(asked));
        case command::help: return deliver({.out = long_help(asked.topic)});
        case command::none: break;
    }
    return deliver({.code = exit_code::usage, .err = short_help()});
}

}  // namespace

int main(int argc, const char* const* argv) {
    forbid_core_dumps();  // before any of it is read
    const process_environment around = look_around();
    const auto asked = parse_command_line({argv + (argc > 0 ? 1 : 0), argv + argc});
    if (!asked) {
        const std::string complaint = fmt::format("etcd-sync: {}\nTry: etcd-sync help\n", asked.error().text);
        return static_cast<int>(deliver({.code = exit_code::usage, .err = complaint}));
    }
    return static_cast<int>(dispatch(*asked, around));
}

}  // namespace etcdsync::app
