// SPDX-License-Identifier: Apache-2.0
#include "support/users.hpp"

#include <fmt/format.h>

namespace etcdsync::test {

std::string prefix_end(std::string prefix) {
    ++prefix.back();
    return prefix;
}

void users::run_etcdctl(std::vector<std::string> arguments, std::string_view input) {
    if (on_) arguments.insert(arguments.begin(), fmt::format("--user=root:{}", root_password));
    etcdctl(*server_, arguments, input);
}

void users::switch_on(etcd_client& observer) {
    // root exists already if users were switched on before.
    if (etcdctl(*server_, {"user", "list"}).find("root") == std::string::npos) {
        run_etcdctl({"user", "add", fmt::format("root:{}", root_password)});
        run_etcdctl({"user", "grant-role", "root", "root"});
    }
    run_etcdctl({"auth", "enable"});
    on_ = true;
    observer.log_in("root", std::string(root_password));
}

void users::switch_off() {
    run_etcdctl({"auth", "disable"});
    on_ = false;
}

void users::add(const std::string& name, const std::string& password) {
    if (password.empty() && server_->program().takes_users_without_password()) {
        run_etcdctl({"user", "add", name, "--no-password"});
    } else {
        run_etcdctl({"user", "add", fmt::format("{}:{}", name, password.empty() ? "an-unknown-password" : password)});
    }
    run_etcdctl({"role", "add", name});
    run_etcdctl({"user", "grant-role", name, name});
}

void users::set_password(const std::string& name, const std::string& password) {
    run_etcdctl({"user", "passwd", name, "--interactive=false"}, password + "\n");
}

void users::grant(const std::string& role, std::string_view kind, const std::string& begin, const std::string& end) {
    std::vector<std::string> arguments{"role", "grant-permission", role, std::string(kind), begin};
    if (end == std::string(1, '\0')) {
        arguments.emplace_back("--from-key");
    } else if (!end.empty()) {
        arguments.push_back(end);
    }
    run_etcdctl(std::move(arguments));
}

void users::grant_prefix(const std::string& role, std::string_view kind, const std::string& prefix) {
    grant(role, kind, prefix, prefix_end(prefix));
}

void users::revoke(const std::string& role, const std::string& begin, const std::string& end) {
    std::vector<std::string> arguments{"role", "revoke-permission", role, begin};
    if (!end.empty()) arguments.push_back(end);
    run_etcdctl(std::move(arguments));
}

void users::revoke_prefix(const std::string& role, const std::string& prefix) {
    revoke(role, prefix, prefix_end(prefix));
}

}  // namespace etcdsync::test
