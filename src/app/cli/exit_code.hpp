// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::app {

/// Scripts depend on these. New codes may be added; an unknown code is a failure.
enum class exit_code : int {
    ok = 0,  ///< done, in sync, or stopped by SIGTERM
    failed = 1,
    differences = 2,  ///< found by `verify` or `sync -n`
    partial = 3,      ///< some slaves or rules failed, others did not
    held = 4,         ///< by a guard, until it is approved
    timed_out = 5,    ///< `wait`
    no_daemon = 6,    ///< no daemon answers at the admin address
    usage = 64,
    unreachable = 69,  ///< a peer
    internal_error = 70,
    denied = 77,  ///< by etcd: user, password, permission
    configuration = 78,
    interrupted = 130,  ///< SIGINT, before the work was done
    reader_gone = 141,  ///< the reader of stdout closed it; as if SIGPIPE had ended the process
    terminated = 143,   ///< SIGTERM, before the work was done
};

}  // namespace etcdsync::app
