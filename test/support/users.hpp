// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"
#include "support/processes.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// Flags for etcds with users: makes hashing of passwords fast.
inline const std::vector<std::string> quick_passwords{"--bcrypt-cost", "4"};

/// Manages the users and roles of an etcd with etcdctl.
class users {
public:
    explicit users(const etcd_server& of) : server_(&of) {}

    /// Creates root, enables authentication, and logs `observer` in as root.
    void switch_on(etcd_client& observer);
    void switch_off();

    /// Adds a user with a role of the same name without permissions. Without a password the user is
    /// identified by the CN of its certificate.
    void add(const std::string& name, const std::string& password = {});
    void set_password(const std::string& name, const std::string& password);

    /// Grants `kind` (read, write, readwrite) on [begin, end) to a role. No end: only the key
    /// `begin`; end "\0": all keys from `begin`.
    void grant(const std::string& role, std::string_view kind, const std::string& begin, const std::string& end = {});
    void grant_prefix(const std::string& role, std::string_view kind, const std::string& prefix);
    void revoke(const std::string& role, const std::string& begin, const std::string& end = {});
    void revoke_prefix(const std::string& role, const std::string& prefix);

    static constexpr std::string_view root_password = "root-of-this-test";

private:
    void run_etcdctl(std::vector<std::string> arguments, std::string_view input = {});

    const etcd_server* server_;
    bool on_ = false;
};

/// The first key after all keys with `prefix`.
std::string prefix_end(std::string prefix);

}  // namespace etcdsync::test
