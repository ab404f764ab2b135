// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::test {

/// The side of an etcd in a test; master and slave may have different versions.
enum class role { master, slave };

/// The etcd and etcdctl of one version: from the directory in ETCD_SYNC_TEST_MASTER_ETCD or
/// ETCD_SYNC_TEST_SLAVE_ETCD, else from PATH. Everything that tests know about versions is here.
class etcd_program {
public:
    [[nodiscard]] static const etcd_program& of(role side);

    [[nodiscard]] std::string etcd() const { return in_directory("etcd"); }
    [[nodiscard]] std::string etcdctl() const { return in_directory("etcdctl"); }

    /// Flags that make it log only errors.
    [[nodiscard]] std::vector<std::string> quiet() const;

    /// `flags`, each "--name=value" or "--name", "value", without the optional ones that this
    /// version does not support.
    [[nodiscard]] std::vector<std::string> supported(const std::vector<std::string>& flags) const;

    /// Nested Txns, compares of ranges and `--max-txn-ops`, since 3.3. Before, a Txn has at most
    /// 128 operations.
    [[nodiscard]] bool takes_nested_txns() const { return minor_ >= 3; }

    [[nodiscard]] bool takes_users_without_password() const { return minor_ >= 4; }

    /// `--listen-client-http-urls`, since 3.4.25 and 3.5.8.
    [[nodiscard]] bool serves_grpc_alone() const;

private:
    explicit etcd_program(const char* variable);
    [[nodiscard]] std::string in_directory(std::string_view name) const;

    std::string directory_;  ///< empty: use PATH
    unsigned minor_ = 0;     ///< the x of 3.x
};

}  // namespace etcdsync::test
