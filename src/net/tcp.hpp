// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "net/byte_stream.hpp"

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

/// The machine's: getaddrinfo in one thread, one name after the other.
[[nodiscard]] name_resolver& system_resolver();

/// Plain TCP (h2c with prior knowledge, etcd-wire.md 1.6). Literal addresses are not resolved; a name is tried at each
/// of its addresses in turn. A deadline and a cancellation end it at once, also where a look-up hangs: that is left to end by
/// itself, and until it does the io_context can not be destroyed without waiting.
class tcp_dialer final : public dialer {
public:
    explicit tcp_dialer(aio::clock& clock, name_resolver& names = system_resolver()) : clock_(&clock), names_(&names) {}

    aio::awaitable<base::result<std::unique_ptr<byte_stream>>> dial(endpoint to,
                                                                    aio::clock::time_point deadline) override;

private:
    aio::awaitable<name_resolver::answer> resolve(std::string host, aio::clock::time_point deadline);

    aio::clock* clock_;
    name_resolver* names_;
};

}  // namespace etcdsync::net
