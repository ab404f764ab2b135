// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::app {

/// What scripts branch on. New codes may come; a code that is not known is a failure.
enum class exit_code : int {
    ok = 0,  ///< done, in sync, or stopped by SIGTERM
    failed = 1,
    differences = 2,  ///< found by `verify` or `sync -n`
    partial = 3,      ///< some slaves or rules failed, others did not
    held = 4,         ///< by a guard, until a person approves
    timed_out = 5,    ///< `wait`
    no_daemon = 6,    ///< no daemon answers at the admin address
    usage = 64,
    unreachable = 69,  ///< a peer
    internal_error = 70,
    denied = 77,  ///< by etcd: user, password, permission
    configuration = 78,
    interrupted = 130,  ///< SIGINT, before the work was done
    terminated = 143,   ///< SIGTERM, before the work was done
};

}  // namespace etcdsync::app
