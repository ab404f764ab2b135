// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "grpc/status.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace etcdsync::etcd {

/// The consequence of an error (etcd-wire.md section 6). Only the loops of feed and link act on it.
enum class error_class : std::uint8_t {
    retry,            ///< nothing was done: retry after a pause, here or on another endpoint
    ambiguous,        ///< a write may be applied, now or later: read the checkpoint again
    reauthenticate,   ///< the token is missing or no longer valid
    compacted,        ///< the requested revision is no longer kept
    future_revision,  ///< this member has not reached it yet (or never will, in a rewound cluster)
    too_many_ops,     ///< more operations than --max-txn-ops
    no_nesting,       ///< etcd before 3.3: no Txn inside a Txn (it arrives empty)
    too_large,        ///< above --max-request-bytes, or above the message limit of the server
    no_space,         ///< NOSPACE alarm
    denied,           ///< not covered by the roles, or a wrong password: an operator must act
    lease_not_found,  ///< the lease has expired or was revoked
    bad_request,      ///< an invalid request: a bug of etcd-sync, or an etcd that differs
    bad_peer,         ///< the peer does not behave like etcd
    watch_violation,  ///< events out of order, repeated, incomplete or foreign: trust none
    unsupported,      ///< the server has no such method
    other_history,    ///< known revisions are gone: the cluster was wiped, restored or replaced
    cancelled,        ///< by us
};

[[nodiscard]] std::string_view to_string(error_class c);

struct error {
    error() = default;
    error(error_class c, std::string what) : cls(c), text(std::move(what)) {}

    error_class cls = error_class::retry;
    std::string text;  ///< one printable sentence, with the endpoint if it is known
};

[[noreturn]] inline void throw_exception_from_error(const error& e, const boost::source_location&) {
    throw std::runtime_error(e.text);
}

template <class T>
using result = base::result<T, error>;

/// Classifies by text first and by code second, because codes differ between etcd versions.
[[nodiscard]] error_class classify(const grpc::status& status);

/// Classifies the reason of a canceled watch ("rpc error: code = PermissionDenied desc = ...") by
/// its text.
[[nodiscard]] error_class classify_cancel_reason(std::string_view reason);

/// Advice to append to etcd's own text; empty if there is none.
[[nodiscard]] std::string_view advice_for(std::string_view text);

/// Our user is authenticated, but its roles do not cover the request.
[[nodiscard]] bool is_permission_denied(const error& e);

/// The cluster rejects user and password.
[[nodiscard]] bool is_login_refused(const error& e);

/// Authentication is disabled in the cluster: no token is available, and none is needed.
[[nodiscard]] bool is_auth_disabled(const error& e);

}  // namespace etcdsync::etcd
