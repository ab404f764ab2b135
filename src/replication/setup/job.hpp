// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::replication {

/// What is to be done.
struct job {
    bool once = false;     ///< compare everything, make it equal, end: each link by itself
    bool approve = false;  ///< lifts the guards; foreign keys on a slave are deleted
};

}  // namespace etcdsync::replication
