// SPDX-License-Identifier: Apache-2.0
#include "aio/subscription.hpp"

#include <iterator>
#include <utility>

namespace etcdsync::aio {
namespace detail {

std::list<listener>::iterator listener_list::add(std::function<void()> call) {
    all_.push_back({std::move(call)});
    return std::prev(all_.end());
}

void listener_list::end(std::list<listener>::iterator which) {
    which->ended = true;
    has_ended_ = true;
    if (notifying_ == 0) sweep();
}

void listener_list::end_all() {
    for (listener& one : all_) one.ended = true;
    has_ended_ = true;
    if (notifying_ == 0) sweep();
}

void listener_list::notify() {
    if (all_.empty()) return;
    struct scope {
        explicit scope(listener_list& of) : list(of) { ++list.notifying_; }
        scope(const scope&) = delete;
        scope& operator=(const scope&) = delete;
        ~scope() {
            if (--list.notifying_ == 0 && list.has_ended_) list.sweep();
        }
        listener_list& list;
    };
    const scope running(*this);
    // Nothing is removed from the list meanwhile, and new listeners are added after the current
    // last.
    const auto last = std::prev(all_.end());
    for (auto it = all_.begin();; ++it) {
        if (!it->ended) it->call();
        if (it == last) return;
    }
}

void listener_list::sweep() {
    has_ended_ = false;
    std::list<listener> ended;
    for (auto it = all_.begin(); it != all_.end();) {
        const auto next = std::next(it);
        if (it->ended) ended.splice(ended.end(), all_, it);
        it = next;
    }
    // Destroying a function may end other subscriptions, which calls this function again. The nodes
    // those refer to may be in `ended`, so they stay until every function is gone.
    for (listener& one : ended) one.call = nullptr;
}

}  // namespace detail

subscription::subscription(subscription&& other) noexcept : of_(std::exchange(other.of_, {})), which_(other.which_) {}

subscription& subscription::operator=(subscription&& other) noexcept {
    if (this == &other) return *this;
    end();
    of_ = std::exchange(other.of_, {});
    which_ = other.which_;
    return *this;
}

void subscription::end() {
    const auto list = std::exchange(of_, {}).lock();
    if (list) list->end(which_);
}

listeners& listeners::operator=(listeners&& other) noexcept {
    const listeners before(std::move(*this));
    list_ = std::move(other.list_);
    return *this;
}

listeners::~listeners() {
    if (list_) list_->end_all();
}

subscription listeners::subscribe(std::function<void()> listener) {
    return subscription(list_, list_->add(std::move(listener)));
}

void listeners::notify() {
    const auto list = list_;  // a listener may destroy this object
    if (list) list->notify();
}

}  // namespace etcdsync::aio
