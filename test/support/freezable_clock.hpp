// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"

#include <map>
#include <utility>

namespace etcdsync::test {

/// The clock of one of several processes that share a clock. While it is frozen none of its handlers runs; those that became due
/// run when it thaws, as the timers of a process do that was stopped by SIGSTOP.
class freezable_clock final : public aio::clock {
public:
    explicit freezable_clock(aio::clock& shared) : shared_(&shared) {}

    [[nodiscard]] time_point now() const override { return shared_->now(); }
    [[nodiscard]] std::chrono::system_clock::time_point wall() const override { return shared_->wall(); }

    timer_id schedule(time_point when, handler h) override {
        const std::uint64_t number = next_number_++;
        const timer_id id{when, number};
        const timer_id shared_id = shared_->schedule(when, [this, id] { due(id); });
        waiting_.emplace(id, timer{shared_id, std::move(h)});
        return id;
    }

    void cancel(const timer_id& id) override {
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) return;
        shared_->cancel(found->second.shared_id);
        waiting_.erase(found);
    }

    /// Call freeze(false) before the process ends.
    void freeze(bool on) {
        frozen_ = on;
        if (on) return;
        for (auto& [id, one] : waiting_) {
            if (one.is_due) one.shared_id = shared_->schedule(shared_->now(), [this, id = id] { due(id); });
        }
    }

private:
    struct timer {
        timer_id shared_id;
        handler act;
        bool is_due = false;
    };

    void due(const timer_id& id) {
        const auto found = waiting_.find(id);
        if (found == waiting_.end()) return;
        if (frozen_) {
            found->second.is_due = true;
            return;
        }
        const auto taken = waiting_.extract(found);
        taken.mapped().act();
    }

    aio::clock* shared_;
    std::map<timer_id, timer> waiting_;
    std::uint64_t next_number_ = 0;
    bool frozen_ = false;
};

}  // namespace etcdsync::test
