// SPDX-License-Identifier: Apache-2.0
#include "app/cli/help.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace etcdsync::app {
namespace {

constexpr std::array<command_info, 18> commands{{
    {"run", "", "replicate in the foreground, until SIGTERM", command::run},
    {"sync", "", "one full sync of the slaves, then exit", command::sync},
    {"verify", "", "compare the slaves with the master", command::verify},
    {"check-config", "", "read and validate the configuration", command::check_config},
    {"explain", "KEY", "which rule takes this key, and where it goes on each slave", command::explain},
    {"version", "", "version; with -v what it was built with", command::version},
    {"help", "[COMMAND]", "this text, or the help of one command", command::help},
    {"mirror", "", "", command::none},
    {"status", "", "", command::none},
    {"wait", "", "", command::none},
    {"pause", "", "", command::none},
    {"resume", "", "", command::none},
    {"resync", "", "", command::none},
    {"approve", "", "", command::none},
    {"reload", "", "", command::none},
    {"log-level", "", "", command::none},
    {"healthcheck", "", "", command::none},
    {"completion", "", "", command::none},
}};

constexpr std::string_view usage = "usage: etcd-sync [-c FILE] COMMAND [OPTIONS]\n";

constexpr std::string_view global_options =
    R"(options, before or after the command:
  -c, --config FILE         the configuration; else $ETCDSYNC_CONFIG, else /etc/etcd-sync/etcd-sync.toml
  -w, --write-out FORMAT    table (default), json, or jsonl (verify, sync -n: one JSON object per line)
      --json                the same as -w json; for run: log lines as JSON
  -q, --quiet               warnings and errors only, no progress
  -v, --verbose             more in the log; twice: everything
      --color WHEN          auto (default), always or never; NO_COLOR is honored
      --progress HOW        of a full sync: auto (default), bar, plain or none
  -h, --help                this text, or the help of one command
      --version             the same as version
)";

constexpr std::string_view exit_codes =
    R"(exit codes: 0 done, 1 failed, 2 differences found, 3 failed in part, 4 held by a guard, 64 usage,
            69 not reachable, 70 internal error, 77 refused by etcd, 78 configuration, 130/143 interrupted,
            141 the reader of stdout is gone (`| head`)
)";

/// Details that do not fit into the overview.
std::string_view details(command what) {
    switch (what) {
        case command::run:
            return R"(Keeps every slave equal to the master. Logs changes to stderr, and nothing while nothing happens.
No failure of a peer ends it. SIGTERM or SIGINT lets the writes in flight finish (exit 0); a second one does not.
Log level: -q or -v, else $ETCDSYNC_LOG_LEVEL, else [log] of the configuration.
)";
        case command::sync:
            return R"(Compares every key of every slave with the master, writes what differs, and prints one line per slave on stdout (in
consistency = "rule" one line per rule), and the commands that preview and approve what a guard holds. It may run beside a
daemon, which waits and continues afterwards.
  -n, --dry-run             write nothing; show what would be written: + put, * overwrite, - delete (-v: ~ kept)
      --approve             approve what holds a slave; a slave that nothing holds is synced as usual. Keeps foreign keys
                            (keys that were on a slave before its first sync)
      --foreign             with --approve: delete foreign keys too, on the slaves of --slave, else on held slaves only
      --slave NAME...       these slaves only
Exit 0: all in sync (-n: nothing to write). 2: with -n, there is something to write. 3: some slaves or rules failed, the others
are in sync. 4: a guard holds a slave (-n: would hold it). 69: no cluster reachable. 77: etcd refused us. 1: failed otherwise.
)";
        case command::verify:
            return R"(Compares every key and value of every slave with the master. Writes nothing, and may run beside a daemon: the master
is read as of the revision the slave has. + is missing on the slave, * differs, - is only on the slave. A slave that is equal
may be behind: the line says how many revisions.
      --repair              sync the slaves that differ (guards still hold), then compare them again
      --max-behind N        more than N revisions behind is a difference
      --slave NAME...       these slaves only
  -q                        only what differs, and no keys
  -v                        also keys that are only on the slave and stay there: ~
Exit 0: equal. 2: differences. 3: some slaves or rules could not be compared, the others were. 4: with --repair, a
guard holds a slave. 69: no cluster reachable. 77: etcd refused us. 1: failed otherwise.
)";
        case command::check_config:
            return R"(Reports all errors at once, with line and column. Contacts no etcd without --connect: safe beside a running daemon.
      --connect             then connect to every endpoint, log in, and ask for every permission the rules need, without
                            writing anything; prints the etcdctl commands that grant what is missing
  -q                        with --connect: only what is wrong
Exit 0: `run` would start with it. 78: it would not. With --connect: 77: etcd refused us, or something is not granted;
69: an endpoint is not reachable, nothing else is wrong; 1: failed otherwise.
)";
        case command::explain:
            return R"(KEY is a key of the master. Contacts no etcd. Exit 0: some slave takes the key. Exit 1: none does.
  --hex                     KEY is in hexadecimal digits
  --                        ends the options: for a KEY that begins with "-"
)";
        default: return "";
    }
}

std::string overview() {
    std::string out = "commands:\n";
    for (const command_info& c : commands) {
        if (c.what == command::none) continue;
        out += fmt::format("  {:<16}{}\n", fmt::format("{} {}", c.name, c.arguments), c.summary);
    }
    return out;
}

}  // namespace

std::span<const command_info> all_commands() { return commands; }

const command_info* find_command(std::string_view name) {
    const auto place = std::find_if(commands.begin(), commands.end(), [&](const auto& c) { return c.name == name; });
    return place == commands.end() ? nullptr : &*place;
}

std::string short_help() { return fmt::format("{}\n{}\nTry: etcd-sync help\n", usage, overview()); }

std::string long_help(std::string_view topic) {
    const command_info* const c = find_command(topic);
    if (c == nullptr) {
        return fmt::format(
            "{}Mirrors chosen keys of one master etcd cluster in any number of slave clusters.\n\n{}\n{}\n{}", usage,
            overview(), global_options, exit_codes);
    }
    const std::string_view space = c->arguments.empty() ? "" : " ";
    return fmt::format("usage: etcd-sync [OPTIONS] {}{}{}\n{}\n\n{}{}{}", c->name, space, c->arguments, c->summary,
                       details(c->what), details(c->what).empty() ? "" : "\n", global_options);
}

}  // namespace etcdsync::app
