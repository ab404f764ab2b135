// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <list>
#include <memory>

namespace etcdsync::aio {

namespace detail {

struct listener {
    std::function<void()> call;
    bool ended = false;
};

/// The list behind `listeners`; a running notify() shares it. Ended listeners are destroyed after
/// the last notify() has returned.
class listener_list {
public:
    std::list<listener>::iterator add(std::function<void()> call);
    void end(std::list<listener>::iterator which);
    void end_all();
    void notify();

private:
    void sweep();

    std::list<listener> all_;
    unsigned notifying_ = 0;
    bool has_ended_ = false;
};

}  // namespace detail

/// Keeps a listener subscribed. After its destruction the listener is never called. Declare it
/// after everything that the listener uses. It may outlive the `listeners` that created it.
class [[nodiscard]] subscription {
public:
    subscription() = default;
    subscription(subscription&& other) noexcept;
    subscription& operator=(subscription&& other) noexcept;
    ~subscription() { end(); }

    /// Unsubscribes now. The listener may call this itself.
    void end();

private:
    friend class listeners;
    subscription(std::weak_ptr<detail::listener_list> of, std::list<detail::listener>::iterator which)
        : of_(std::move(of)), which_(which) {}

    std::weak_ptr<detail::listener_list> of_;
    std::list<detail::listener>::iterator which_;
};

/// Functions to call when something changes, in the order of subscription, each until its
/// subscription ends. A listener may subscribe, unsubscribe itself or another, notify again, and
/// destroy this object. It must not await.
class listeners {
public:
    listeners() : list_(std::make_shared<detail::listener_list>()) {}
    listeners(listeners&&) = default;
    listeners& operator=(listeners&& other) noexcept;
    ~listeners();

    /// Adds a listener. A notify() that is already running does not call it.
    subscription subscribe(std::function<void()> listener);

    /// Calls all listeners. Does not allocate.
    void notify();

private:
    std::shared_ptr<detail::listener_list> list_;  ///< null: moved from
};

}  // namespace etcdsync::aio
