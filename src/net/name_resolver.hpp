// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/asio.hpp"
#include "base/result.hpp"

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace etcdsync::net {

/// Finds the addresses of a name. The system's look-up can neither be interrupted nor hurried, so who asks may leave before the
/// answer.
class name_resolver {
public:
    using answer = base::result<std::vector<aio::asio::ip::address>>;

    virtual ~name_resolver() = default;

    /// Calls `done` from the loop of `executor`, at most once, never from inside this call. When what is returned is let go of,
    /// a look-up that did not begin yet is dropped; the answer of another may still come.
    virtual std::shared_ptr<void> look_up(const aio::asio::any_io_executor& executor, const std::string& host,
                                          std::function<void(answer)> done) = 0;
};

/// The machine's: getaddrinfo, each name in a thread of its own. 32 names that hang at once hold up others.
[[nodiscard]] name_resolver& system_resolver();

}  // namespace etcdsync::net
