// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "aio/clock.hpp"
#include "app/daemon/signals.hpp"
#include "base/file_reader.hpp"
#include "base/random.hpp"
#include "net/byte_stream.hpp"
#include "observe/log.hpp"
#include "replication/setup/replicator.hpp"

#include <functional>
#include <string>

namespace etcdsync::app {

/// The system dependencies of the daemon and the commands. app/process provides the real ones, tests provide fakes. Referenced
/// objects must outlive every user.
struct environment {
    aio::asio::any_io_executor executor;
    aio::clock& clock;
    net::dialer& dialer;
    const base::file_reader& files;
    base::random_streams random;
    const observe::logger& log;
    app::signals& signals;

    /// Called if a task ended by an exception: the program cannot continue.
    std::function<void(const std::string& what)> on_bug;

    /// The start of the commands that messages suggest: `etcd-sync -c FILE`, quoted for a shell (replication/status/suggestions.hpp).
    std::string program = "etcd-sync";
    const base::process_table* processes = nullptr;  ///< null: nothing is known about processes of this host

    [[nodiscard]] replication::environment for_replication() const {
        return {.dialer = dialer,
                .clock = clock,
                .random = random,
                .log = log,
                .files = files,
                .executor = executor,
                .on_bug = on_bug,
                .program = program,
                .processes = processes};
    }
};

}  // namespace etcdsync::app
