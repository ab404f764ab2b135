// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/version.hpp>

/// Everything that depends on Asio's version and its quirks. Boost 1.81 contains Asio 1.26.
namespace etcdsync::aio {

static_assert(BOOST_ASIO_VERSION >= 102600, "Boost 1.81 or later is needed");

namespace asio = boost::asio;

template <class T = void>
using awaitable = asio::awaitable<T>;

/// Completion token that returns the results of an operation as a tuple, the error_code first,
/// instead of throwing.
inline constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

}  // namespace etcdsync::aio
