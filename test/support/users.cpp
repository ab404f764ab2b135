// SPDX-License-Identifier: Apache-2.0
#include "support/users.hpp"

#include <fmt/format.h>

namespace etcdsync::test {

std::string prefix_end(std::string prefix) {
    ++prefix.back();
    return prefix;
}

void users::ask(std::vector<std::string> words, std::string_view input) {
    if (on_) words.insert(words.begin(), fmt::format("--user=root:{}", root_password));
    etcdctl(*server_, words, input);
}

void users::switch_on(etcd_client& looking) {
    // Put back to an earlier state by switch_off(), it has root already.
    if (etcdctl(*server_, {"user", "list"}).find("root") == std::string::npos) {
        ask({"user", "add", fmt::format("root:{}", root_password)});
        ask({"user", "grant-role", "root", "root"});
    }
    ask({"auth", "enable"});
    on_ = true;
    looking.log_in("root", std::string(root_password));
}

void users::switch_off() {
    ask({"auth", "disable"});
    on_ = false;
}

void users::add(const std::string& name, const std::string& password) {
    if (password.empty() && server_->program().takes_users_without_password()) {
        ask({"user", "add", name, "--no-password"});
    } else {
        ask({"user", "add", fmt::format("{}:{}", name, password.empty() ? "nobody knows it" : password)});
    }
    ask({"role", "add", name});
    ask({"user", "grant-role", name, name});
}

void users::set_password(const std::string& name, const std::string& password) {
    ask({"user", "passwd", name, "--interactive=false"}, password + "\n");
}

void users::grant(const std::string& role, std::string_view kind, const std::string& begin, const std::string& end) {
    std::vector<std::string> words{"role", "grant-permission", role, std::string(kind), begin};
    if (end == std::string(1, '\0')) {
        words.emplace_back("--from-key");
    } else if (!end.empty()) {
        words.push_back(end);
    }
    ask(std::move(words));
}

void users::grant_prefix(const std::string& role, std::string_view kind, const std::string& prefix) {
    grant(role, kind, prefix, prefix_end(prefix));
}

void users::revoke(const std::string& role, const std::string& begin, const std::string& end) {
    std::vector<std::string> words{"role", "revoke-permission", role, begin};
    if (!end.empty()) words.push_back(end);
    ask(std::move(words));
}

void users::revoke_prefix(const std::string& role, const std::string& prefix) {
    revoke(role, prefix, prefix_end(prefix));
}

}  // namespace etcdsync::test
