// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/name_resolver.hpp"

namespace etcdsync::net {

/// Asks for names in threads, so that one that takes long holds up no other. A name is asked for once at a time: who wants one that is
/// under way waits for the same answer. Names beyond the bound of threads wait for one. No thread outlives its work, but nobody waits
/// for one that hangs either: it ends with the process.
class threaded_resolver final : public name_resolver {
public:
    /// Called from the threads, several at a time; does not throw.
    using question = std::function<answer(const std::string& host)>;

    threaded_resolver(question ask, std::size_t most_threads);

    /// What is returned must be let go of before the loop of `executor` dies.
    std::shared_ptr<void> look_up(const aio::asio::any_io_executor& executor, const std::string& host,
                                  std::function<void(answer)> done) override;

private:
    class desk;
    std::shared_ptr<desk> desk_;  ///< shared with the threads, which may outlive this
};

}  // namespace etcdsync::net
