// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/event.hpp"

#include <utility>

namespace etcdsync::replication {

/// A number of places; who finds none waits. Holds the memory of several full syncs within the budget.
class slots {
public:
    slots(const aio::asio::any_io_executor& executor, unsigned count) : free_(count), freed_(executor) {}

    /// A place, given back when it ends.
    class place {
    public:
        explicit place(slots& of) : of_(&of) {}
        place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        place& operator=(place&&) = delete;
        ~place() {
            if (of_ == nullptr) return;
            ++of_->free_;
            of_->freed_.notify();
        }

    private:
        slots* of_;
    };

    aio::awaitable<place> take() {
        while (free_ == 0) co_await freed_.wait();
        --free_;
        co_return place(*this);
    }

private:
    unsigned free_;
    aio::event freed_;
};

}  // namespace etcdsync::replication
