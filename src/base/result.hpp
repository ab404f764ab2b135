// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/system/result.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace etcdsync::base {

/// A failure that is only reported: one sentence that says what failed, where, and what to do.
struct error {
    error() = default;
    explicit error(std::string what) : text(std::move(what)) {}
    std::string text;
};

[[noreturn]] inline void throw_exception_from_error(const error& e, const boost::source_location&) {
    throw std::runtime_error(e.text);
}

/// Peer, network, file and configuration problems are values of this type, never exceptions.
template <class T, class E = error>
using result = boost::system::result<T, E>;

}  // namespace etcdsync::base
