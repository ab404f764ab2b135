// SPDX-License-Identifier: Apache-2.0
#include "etcd/error.hpp"

#include <array>
#include <optional>

namespace etcdsync::etcd {
namespace {

struct known_text {
    std::string_view part;
    error_class cls;
};

// Parts of etcd's messages that are the same from 3.2 to 3.6, the specific before the general.
constexpr std::array known_texts{
    known_text{"required revision has been compacted", error_class::compacted},
    known_text{"required revision is a future revision", error_class::future_revision},
    known_text{"too many operations in txn request", error_class::too_many_ops},
    // Also the answer to an unknown operation. We never send `ignore_value` or `ignore_lease`, the
    // other reasons for it.
    known_text{"etcdserver: key not found", error_class::no_nesting},
    known_text{"request is too large", error_class::too_large},
    known_text{"message larger than max", error_class::too_large},
    known_text{"database space exceeded", error_class::no_space},
    known_text{"invalid auth token", error_class::reauthenticate},
    known_text{"revision of auth store is old", error_class::reauthenticate},
    known_text{"revision in header is old", error_class::reauthenticate},
    known_text{"user name is empty", error_class::reauthenticate},
    known_text{"permission denied", error_class::denied},
    known_text{"authentication failed", error_class::denied},
    known_text{"authentication is not enabled", error_class::reauthenticate},
    known_text{"too many requests", error_class::retry},
    known_text{"raft proposal dropped", error_class::retry},
    known_text{"etcdserver: no leader", error_class::retry},
    known_text{"not capable", error_class::retry},
    known_text{"rpc not supported for learner", error_class::retry},
    known_text{"leader changed", error_class::ambiguous},
    known_text{"request timed out", error_class::ambiguous},
    known_text{"server stopped", error_class::ambiguous},
    known_text{"corrupt cluster", error_class::denied},
    known_text{"duplicate key given", error_class::bad_request},
    known_text{"key is not provided", error_class::bad_request},
    known_text{"value is provided", error_class::bad_request},
    known_text{"requested lease not found", error_class::lease_not_found},
    known_text{"unknown method", error_class::unsupported},
    known_text{"unknown service", error_class::unsupported},
};

std::optional<error_class> by_text(std::string_view text) {
    for (const known_text& known : known_texts) {
        if (text.find(known.part) != std::string_view::npos) return known.cls;
    }
    return std::nullopt;
}

error_class by_code(grpc::code code) {
    switch (code) {
        case grpc::code::unauthenticated: return error_class::reauthenticate;
        case grpc::code::permission_denied: return error_class::denied;
        case grpc::code::unimplemented: return error_class::unsupported;
        case grpc::code::invalid_argument:
        case grpc::code::not_found:
        case grpc::code::already_exists: return error_class::bad_request;
        case grpc::code::internal:
        case grpc::code::data_loss: return error_class::bad_peer;
        default: return error_class::ambiguous;
    }
}

}  // namespace

std::string_view to_string(error_class c) {
    switch (c) {
        case error_class::retry: return "unavailable";
        case error_class::ambiguous: return "no response";
        case error_class::reauthenticate: return "not authenticated";
        case error_class::compacted: return "compacted";
        case error_class::future_revision: return "future revision";
        case error_class::too_many_ops: return "too many operations";
        case error_class::no_nesting: return "no nested Txns";
        case error_class::too_large: return "too large";
        case error_class::no_space: return "no space";
        case error_class::denied: return "denied";
        case error_class::lease_not_found: return "lease not found";
        case error_class::bad_request: return "bad request";
        case error_class::bad_peer: return "not etcd";
        case error_class::watch_violation: return "watch protocol violation";
        case error_class::unsupported: return "not supported by the server";
        case error_class::other_history: return "another history";
        case error_class::cancelled: return "cancelled";
    }
    return "unknown";
}

error_class classify(const grpc::status& status) {
    switch (status.from) {
        case grpc::origin::local: return error_class::cancelled;
        case grpc::origin::deadline: return error_class::ambiguous;
        case grpc::origin::connection:
            if (status.value == grpc::code::permission_denied)
                return error_class::denied;  // the server refuses our certificate
            if (status.unprocessed) return error_class::retry;
            return status.value == grpc::code::unavailable ? error_class::ambiguous : by_code(status.value);
        case grpc::origin::server: break;
    }
    if (const auto known = by_text(status.message)) return *known;
    return by_code(status.value);
}

std::string_view advice_for(std::string_view text) {
    if (text.find("user name is empty") != std::string_view::npos)
        return ": the server requires a user: set auth.user and auth.password_file, or tls.cert with the user's name "
               "as CN";
    if (text.find("database space exceeded") != std::string_view::npos)
        return ": compact the slave, defragment each member, raise --quota-backend-bytes or delete keys, then run "
               "etcdctl alarm disarm. The commands are in doc/operations.md, \"A full slave\"";
    return {};
}

bool is_permission_denied(const error& e) {
    return e.cls == error_class::denied && e.text.find("permission denied") != std::string::npos;
}

bool is_login_refused(const error& e) { return e.text.find("authentication failed") != std::string::npos; }

bool is_auth_disabled(const error& e) { return e.text.find("authentication is not enabled") != std::string::npos; }

error_class classify_cancel_reason(std::string_view reason) {
    return by_text(reason).value_or(error_class::bad_request);
}

}  // namespace etcdsync::etcd
