// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/version.hpp>

/// The one place that knows Asio's versions and quirks. Boost 1.81 is Asio 1.26.
namespace etcdsync::aio {

static_assert(BOOST_ASIO_VERSION >= 102600, "Boost 1.81 or later is needed");

namespace asio = boost::asio;

template <class T = void>
using awaitable = asio::awaitable<T>;

/// Awaits an Asio operation and gives its results, the error_code first, as a tuple instead of throwing.
inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace etcdsync::aio
