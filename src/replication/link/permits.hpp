// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace etcdsync::replication {

/// A number of places; who finds none waits until he is told, and tries again. Holds the memory of several full syncs within the
/// budget.
class slots {
public:
    explicit slots(unsigned count) : free_(count) {}

    /// A place, given back when it ends.
    class place {
    public:
        explicit place(slots& of) : of_(&of) {}
        place(place&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
        place& operator=(place&&) = delete;
        ~place() {
            if (of_ == nullptr) return;
            ++of_->free_;
            for (const auto& listener : of_->listeners_) listener();
        }

    private:
        slots* of_;
    };

    /// Nothing where all are taken.
    [[nodiscard]] std::optional<place> try_take() {
        if (free_ == 0) return std::nullopt;
        --free_;
        return std::optional<place>(std::in_place, *this);
    }

    /// `listener` is called whenever a place was given back. It must not await.
    void on_free(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }

private:
    unsigned free_;
    std::vector<std::function<void()>> listeners_;
};

}  // namespace etcdsync::replication
