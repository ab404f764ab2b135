// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/scoped_pointer.hpp"
#include "etcd/error.hpp"
#include "replication/master/replay.hpp"

#include <optional>
#include <utility>

namespace etcdsync::replication {

/// Ends the open watch of a feed when it must be opened again although nothing failed: for other
/// keys, or at a preferred endpoint.
class watch_interrupt {
public:
    void change_keys() {
        keys_changed_ = true;
        cancel();
    }
    void prefer_endpoint() {
        better_endpoint_ = true;
        cancel();
    }

    /// Called when a connection was opened: connecting considers all that was preferred before.
    void reset() { keys_changed_ = better_endpoint_ = false; }

    /// Registers the open watch while the result exists.
    [[nodiscard]] base::scoped_pointer<replay> open(replay& watch) { return {watch_, watch}; }

    /// Why the watch must be opened again; nothing if it need not be.
    [[nodiscard]] std::optional<etcd::error> reason() const {
        if (keys_changed_) return etcd::error(etcd::error_class::cancelled, "the rules changed");
        if (better_endpoint_) return etcd::error(etcd::error_class::cancelled, "a preferred endpoint is available");
        return std::nullopt;
    }

    /// True if the selected keys changed since the connection was opened.
    [[nodiscard]] bool keys_changed() const { return keys_changed_; }

    /// True if a preferred endpoint was found since the connection was opened, or since the last call.
    [[nodiscard]] bool take_better_endpoint() { return std::exchange(better_endpoint_, false); }

private:
    void cancel() {
        if (watch_ != nullptr) watch_->cancel();
    }

    replay* watch_ = nullptr;
    bool keys_changed_ = false;
    bool better_endpoint_ = false;
};

}  // namespace etcdsync::replication
