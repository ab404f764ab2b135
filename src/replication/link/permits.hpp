// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/subscription.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace etcdsync::replication {

/// A fixed number of permits. Limiting how many full syncs run at once keeps their memory within the budget.
class permits {
    struct state {
        int free;  ///< negative: more are taken than there are, since their number was reduced
        int waiting = 0;
        aio::listeners on_free;
    };

public:
    explicit permits(unsigned count)
        : count_(static_cast<int>(count)), state_(std::make_shared<state>(state{count_, 0, {}})) {}

    /// One permit, returned when it is destroyed. It may outlive the permits it came from.
    class permit {
    public:
        permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
        permit& operator=(permit&&) = delete;
        ~permit() {
            if (from_ == nullptr) return;
            ++from_->free;
            from_->on_free.notify();
        }

    private:
        friend class permits;
        explicit permit(std::shared_ptr<state> from) : from_(std::move(from)) { --from_->free; }

        std::shared_ptr<state> from_;
    };

    [[nodiscard]] bool has_free() const { return state_->free > 0; }

    /// Somebody waits for one.
    [[nodiscard]] bool is_waited_for() const { return state_->waiting > 0; }

    /// Says, while it exists, that somebody waits.
    class waiting {
    public:
        explicit waiting(permits& of) : of_(of.state_) { ++of_->waiting; }
        waiting(const waiting&) = delete;
        waiting& operator=(const waiting&) = delete;
        ~waiting() { --of_->waiting; }

    private:
        std::shared_ptr<state> of_;
    };

    /// Nothing if none is free.
    [[nodiscard]] std::optional<permit> try_take() {
        if (state_->free <= 0) return std::nullopt;
        return permit(state_);
    }

    /// Changes the number of permits. Those that are taken stay valid.
    void resize(unsigned count) {
        state_->free += static_cast<int>(count) - std::exchange(count_, static_cast<int>(count));
        state_->on_free.notify();
    }

    /// `listener` is called whenever a permit may be free again. It must not await.
    [[nodiscard]] aio::subscription on_free(std::function<void()> listener) {
        return state_->on_free.subscribe(std::move(listener));
    }

private:
    int count_;
    std::shared_ptr<state> state_;
};

/// What limits how much the links of all slaves do at once. Catching up has permits of its own: slow first copies must not keep
/// other slaves from following.
struct work_permits {
    permits full_sync{0};
    permits catch_up{0};

    void resize(unsigned count) {
        full_sync.resize(count);
        catch_up.resize(count);
    }
};

}  // namespace etcdsync::replication
