// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace etcdsync::replication {

/// A fixed number of permits. Limiting how many full syncs run at once keeps their memory within the budget.
class permits {
public:
    explicit permits(unsigned count) : free_(count) {}

    /// One permit, returned when it is destroyed.
    class permit {
    public:
        explicit permit(permits& from) : from_(&from) {}
        permit(permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
        permit& operator=(permit&&) = delete;
        ~permit() {
            if (from_ == nullptr) return;
            ++from_->free_;
            for (const auto& listener : from_->listeners_) listener();
        }

    private:
        permits* from_;
    };

    /// Nothing if none is free.
    [[nodiscard]] std::optional<permit> try_take() {
        if (free_ == 0) return std::nullopt;
        --free_;
        return std::optional<permit>(std::in_place, *this);
    }

    /// `listener` is called whenever a permit was returned. It must not await.
    void on_free(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }

private:
    unsigned free_;
    std::vector<std::function<void()>> listeners_;
};

}  // namespace etcdsync::replication
