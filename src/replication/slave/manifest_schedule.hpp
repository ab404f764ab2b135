// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "base/random.hpp"
#include "replication/record/checkpoint.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace etcdsync::replication {

/// The anchors of a busy link are stored at most this often.
inline constexpr std::chrono::minutes anchors_interval{1};

/// Decides which commits write the manifest. It must be written if it does not describe the next position, and for the first
/// anchors; and now and then for newer ones, so rarely that manifests take only a fraction of what positions take. Pure.
class manifest_schedule {
public:
    /// `stored` was read from the slave.
    void found(const checkpoint& stored, aio::clock::time_point now);

    /// The manifest on the slave is gone, or is another one.
    void lose() { id_.clear(); }
    [[nodiscard]] bool is_lost() const { return id_.empty(); }

    /// The manifest on the slave does not describe `next`, which must not be committed without a new one.
    [[nodiscard]] bool is_required(const checkpoint& next) const;

    /// The commit of `next` should write the manifest.
    [[nodiscard]] bool is_due(const checkpoint& next, aio::clock::time_point now) const;

    /// The manifest did not fit beside what was written: tries again some time later.
    void postpone(aio::clock::time_point now) { postponed_until_ = now + anchors_interval; }

    /// `now_stored` was committed, with a manifest of `manifest_bytes` or without (0).
    void committed(const checkpoint& now_stored, std::size_t manifest_bytes, aio::clock::time_point now);

    /// Of the manifest on the slave; empty: there is none that can be used.
    [[nodiscard]] const std::string& id() const { return id_; }

private:
    std::string id_;
    checkpoint_manifest stored_;
    sync_pass pass_ = sync_pass::none;
    aio::clock::time_point since_;
    aio::clock::time_point postponed_until_{};
    std::size_t bytes_ = 0;      ///< of the stored manifest; 0: unknown
    std::size_t positions_ = 0;  ///< written since
};

/// 8 hexadecimal digits, random.
[[nodiscard]] std::string new_manifest_id(base::random_source& random);

}  // namespace etcdsync::replication
