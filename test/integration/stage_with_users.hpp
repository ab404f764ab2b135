// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "secure.hpp"
#include "stage.hpp"
#include "support/users.hpp"

namespace etcdsync::test {

/// A stage of etcds with users. The daemon is user "syncer". Authentication is disabled until switch_on().
struct stage_with_users {
    static constexpr const char* password = "correct horse";

    static stage_options as_syncer(const scratch_dir& secrets, stage_options how,
                                   const std::vector<std::string>& flags) {
        const std::string lines = as_user("syncer", secrets.path() + "/password");
        how.master_keys += lines;
        for (std::string& slave : how.slaves) slave += lines;
        for (std::vector<std::string>* to : {&how.master_flags, &how.slave_flags}) {
            to->insert(to->end(), quick_passwords.begin(), quick_passwords.end());
            to->insert(to->end(), flags.begin(), flags.end());
        }
        return how;
    }

    /// The master and the first slave get `flags`.
    explicit stage_with_users(const std::vector<std::string>& flags = {}, stage_options how = {})
        : on(as_syncer(secrets, std::move(how), flags)) {
        write_password(password);
        for (users* of : both) of->add("syncer", password);
    }

    void write_password(std::string_view text) const {
        replace_file(secrets.path() + "/password", fmt::format("{}\n", text));
    }

    /// Grants the permissions that the default rules need.
    void grant_all() {
        at_master.grant("syncer", "read", "/a/", "/c");
        at_slave.grant("syncer", "readwrite", "/a/", "/c");
        at_slave.grant_prefix("syncer", "readwrite", "/.etcd-sync/");
    }

    void switch_on() {
        at_master.switch_on(on.at_master);
        at_slave.switch_on(on.at_slave());
    }

    static load::options as_root(load::options how) {
        how.user = "root";
        how.password = users::root_password;
        return how;
    }

    scratch_dir secrets;
    stage on;
    users at_master{on.master};
    users at_slave{on.slave()};
    std::array<users*, 2> both{&at_master, &at_slave};
};

inline load::options load_on(std::vector<std::string> prefixes, unsigned per_second = 200) {
    load::options how;
    how.prefixes = std::move(prefixes);
    how.per_second = per_second;
    return stage_with_users::as_root(how);
}

}  // namespace etcdsync::test
