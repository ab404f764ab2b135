// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// What an etcd of a test is there for: the two may be of different versions.
enum class role { master, slave };

/// The etcd and etcdctl of one version: those in the folder ETCD_SYNC_TEST_MASTER_ETCD or ETCD_SYNC_TEST_SLAVE_ETCD names, or those
/// of the PATH. All that tests know about versions is here.
class etcd_program {
public:
    [[nodiscard]] static const etcd_program& of(role plays);

    [[nodiscard]] std::string etcd() const { return in_folder("etcd"); }
    [[nodiscard]] std::string etcdctl() const { return in_folder("etcdctl"); }

    /// Flags that make it say nothing but errors.
    [[nodiscard]] std::vector<std::string> quiet() const;

    /// `flags`, each "--name=value" or "--name", "value", without those it does not know and can do without.
    [[nodiscard]] std::vector<std::string> known(const std::vector<std::string>& flags) const;

    /// Txns inside Txns, compares of ranges, and `--max-txn-ops`: since 3.3. Before, a Txn has 128 operations at the most.
    [[nodiscard]] bool takes_nested_txns() const { return minor_ >= 3; }

    [[nodiscard]] bool takes_users_without_password() const { return minor_ >= 4; }

    /// `--listen-client-http-urls`: since 3.4.25 and 3.5.8.
    [[nodiscard]] bool serves_grpc_alone() const;

private:
    explicit etcd_program(const char* variable);
    [[nodiscard]] std::string in_folder(std::string_view name) const;

    std::string folder_;  ///< empty: found by PATH
    unsigned minor_ = 0;  ///< of 3.x
};

}  // namespace etcdsync::test
