// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "grpc/status.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace etcdsync::etcd {

/// What an error means for what we do next (etcd-wire.md section 6). Only the loops of feed and link act on it.
enum class error_class : std::uint8_t {
    retry,            ///< nothing was done: again after a pause, here or on another endpoint
    ambiguous,        ///< a write may have been applied, now or later: read the checkpoint again
    reauthenticate,   ///< the token is gone
    compacted,        ///< the revision asked for is no longer kept
    future_revision,  ///< this member has not got there yet (or never will: a rewound cluster)
    too_many_ops,     ///< more operations than --max-txn-ops
    no_nesting,       ///< an operation arrived empty: before 3.3 etcd knows no Txn inside a Txn
    too_large,        ///< above --max-request-bytes, or above what the server receives
    no_space,         ///< NOSPACE alarm of the slave
    denied,           ///< roles do not cover it, or the password is wrong: a person must act
    bad_request,      ///< refused for what it is: a bug of ours or an etcd that differs
    bad_peer,         ///< what came is no etcd
    broken_contract,  ///< a watch told things out of order, twice, in half or from elsewhere: nothing of it is to be trusted
    unsupported,    ///< the server has no such method
    other_history,  ///< the revisions we knew are not the ones this cluster has: wiped, restored, exchanged
    cancelled,      ///< by ourselves
};

[[nodiscard]] std::string_view to_string(error_class c);

struct error {
    error() = default;
    error(error_class c, std::string what) : cls(c), text(std::move(what)) {}

    error_class cls = error_class::retry;
    std::string text;  ///< one printable sentence, naming the endpoint where it is known
};

[[noreturn]] inline void throw_exception_from_error(const error& e, const boost::source_location&) {
    throw std::runtime_error(e.text);
}

template <class T>
using result = base::result<T, error>;

/// Text first, code second: codes differ between etcd versions.
[[nodiscard]] error_class classify(const grpc::status& status);

/// The reason of a canceled watch ("rpc error: code = PermissionDenied desc = ...") classified by what it says.
[[nodiscard]] error_class classify_cancel_reason(std::string_view reason);

/// What to do about it, to follow etcd's own text; empty: nothing that we know.
[[nodiscard]] std::string_view advice_for(std::string_view text);

/// Our user is known, and its roles do not cover what was asked for.
[[nodiscard]] bool is_permission_denied(const error& e);

/// The cluster does not take user and password.
[[nodiscard]] bool is_login_refused(const error& e);

/// The cluster has no users: a token is neither to be had nor needed.
[[nodiscard]] bool is_auth_disabled(const error& e);

}  // namespace etcdsync::etcd
