// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "aio/clock.hpp"
#include "base/file_reader.hpp"
#include "base/process_table.hpp"
#include "base/random.hpp"
#include "etcd/cluster.hpp"
#include "observe/log.hpp"

#include <functional>
#include <string>

namespace etcdsync::replication {

/// Everything a replicator needs from outside: connections, time, random numbers, a log, files, and the
/// executor of one thread.
struct environment {
    net::dialer& dialer;
    aio::clock& clock;
    base::random_streams random;
    const observe::logger& log;
    const base::file_reader& files;
    aio::asio::any_io_executor executor;
    std::function<void(const std::string& what)> on_bug;  ///< a task ended by an exception: the process cannot continue
    std::string program = "etcd-sync";                    ///< the start of suggested commands (suggestions.hpp)
    const base::process_table* processes = nullptr;       ///< null: nothing is known about processes of this host
};

}  // namespace etcdsync::replication
