// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/name_resolver.hpp"

namespace etcdsync::net {

/// Looks up names in threads, so that a slow name does not delay the others. Callers that ask for a
/// name whose lookup is running share its result. If all threads are busy, further names wait.
/// Threads end when no name is left. Nothing waits for a thread that hangs; it ends with the
/// process.
class threaded_resolver final : public name_resolver {
public:
    /// Called from several threads at the same time; must not throw.
    using lookup_function = std::function<answer(const std::string& host)>;

    threaded_resolver(lookup_function lookup, std::size_t max_threads);

    /// The returned handle must be released before the loop of `executor` is destroyed.
    std::shared_ptr<void> look_up(const aio::asio::any_io_executor& executor, const std::string& host,
                                  std::function<void(answer)> done) override;

private:
    class lookup_queue;
    std::shared_ptr<lookup_queue> queue_;  ///< shared with the threads, which may outlive this
};

}  // namespace etcdsync::net
