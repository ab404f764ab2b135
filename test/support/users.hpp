// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/etcd_client.hpp"
#include "support/processes.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// For every etcd with users: hashing a password is not what is tested.
inline const std::vector<std::string> quick_passwords{"--bcrypt-cost", "4"};

/// The users and roles of an etcd, through etcdctl.
class users {
public:
    explicit users(const etcd_server& of) : server_(&of) {}

    /// root, with all rights, and from now on nothing goes without a user. `looking` goes on as root.
    void switch_on(etcd_client& looking);
    void switch_off();

    /// A user with a role of the same name that may do nothing yet. Without a password: known by its certificate's CN.
    void add(const std::string& name, const std::string& password = {});
    void set_password(const std::string& name, const std::string& password);

    /// `kind` (read, write, readwrite) to a role on [begin, end); no end: one key; end "\0": to the last key.
    void grant(const std::string& role, std::string_view kind, const std::string& begin, const std::string& end = {});
    void grant_prefix(const std::string& role, std::string_view kind, const std::string& prefix);
    void revoke(const std::string& role, const std::string& begin, const std::string& end = {});
    void revoke_prefix(const std::string& role, const std::string& prefix);

    static constexpr std::string_view root_password = "root-of-this-test";

private:
    void ask(std::vector<std::string> words, std::string_view input = {});

    const etcd_server* server_;
    bool on_ = false;
};

/// The first key behind all that begin with `prefix`.
std::string prefix_end(std::string prefix);

}  // namespace etcdsync::test
