// SPDX-License-Identifier: Apache-2.0
#include "replication/link/rival_watch.hpp"

#include "replication/record/start_plan.hpp"

namespace etcdsync::replication {

bool rival_watch::is_at_work(const checkpoint& stored, aio::clock::time_point now, aio::clock::duration patience) {
    const bool came_later =
        held_before_ && !stored.writer.empty() && stored.writer != writer_ && stored.writer != *held_before_;
    return (came_later || is_rival(stored, writer_, last_seq_)) && !is_silent(stored, now, patience);
}

bool rival_watch::is_abandoned(const checkpoint& stored, aio::clock::time_point now, aio::clock::duration patience) {
    return stored.writer.empty() || stored.writer == writer_ || is_silent(stored, now, patience);
}

bool rival_watch::is_silent(const checkpoint& stored, aio::clock::time_point now, aio::clock::duration patience) {
    if (stored.writer != rival_ || stored.seq != rival_seq_) {
        rival_ = stored.writer;
        rival_seq_ = stored.seq;
        last_sign_ = now;
    }
    return now - last_sign_ >= patience;
}

}  // namespace etcdsync::replication
