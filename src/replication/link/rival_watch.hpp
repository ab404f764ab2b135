// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "replication/record/checkpoint.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace etcdsync::replication {

/// Tells whether another process with the same instance name writes on the slave, from the checkpoints found there. Pure.
class rival_watch {
public:
    /// `writer`: the name of this process in checkpoints.
    explicit rival_watch(std::string writer) : writer_(std::move(writer)) {}

    /// `seq` of the last checkpoint this process wrote.
    void note_written(std::uint64_t seq) {
        last_seq_ = seq;
        held_before_.reset();
    }

    /// This process is held before it wrote anything: a writer that comes later is at work, such as a one-shot job.
    void note_held(const checkpoint& stored) {
        if (last_seq_ == 0 && !held_before_) held_before_ = stored.writer;
    }

    /// True if `stored` was written by another process that still seems to be at work. One that is silent for longer than
    /// `patience` may be dead, and no longer counts; if it lives, it is held in its turn.
    [[nodiscard]] bool is_at_work(const checkpoint& stored, aio::clock::time_point now, aio::clock::duration patience);

    /// True if `stored` is certainly not the checkpoint of another process at work: it is ours, or nobody's, or was seen
    /// unchanged for that long.
    [[nodiscard]] bool is_abandoned(const checkpoint& stored, aio::clock::time_point now,
                                    aio::clock::duration patience);

private:
    [[nodiscard]] bool is_silent(const checkpoint& stored, aio::clock::time_point now, aio::clock::duration patience);

    std::string writer_;
    std::uint64_t last_seq_ = 0;              ///< 0: nothing was written yet
    std::optional<std::string> held_before_;  ///< the writer that note_held() found
    std::string rival_;
    std::uint64_t rival_seq_ = 0;
    aio::clock::time_point last_sign_{};
};

}  // namespace etcdsync::replication
