// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace etcdsync::replication {

/// Which foreign keys become ours, so that a full sync deletes them if the master does not have them.
enum class adoption {
    none,
    if_held,  ///< those on slaves whose hold is approved
    all,
};

/// What is to be done.
struct job {
    bool once = false;  ///< compare everything, make it equal, end: each link by itself
    bool approve =
        false;  ///< once: what holds a link is approved, one time; links that nothing holds keep their guards
    adoption foreign = adoption::none;
};

}  // namespace etcdsync::replication
