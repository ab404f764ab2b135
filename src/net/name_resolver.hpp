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

/// Looks up the addresses of a host name. A lookup of the system cannot be interrupted, so a caller
/// may stop waiting for it.
class name_resolver {
public:
    using answer = base::result<std::vector<aio::asio::ip::address>>;

    virtual ~name_resolver() = default;

    /// Starts a lookup. Calls `done` from the loop of `executor`, at most once, never from inside
    /// this call. Releasing the returned handle drops the lookup if it has not started; otherwise
    /// `done` may still be called.
    virtual std::shared_ptr<void> look_up(const aio::asio::any_io_executor& executor, const std::string& host,
                                          std::function<void(answer)> done) = 0;
};

/// The system's resolver: getaddrinfo in up to 32 threads, one name each. More names than that
/// wait.
[[nodiscard]] name_resolver& system_resolver();

}  // namespace etcdsync::net
