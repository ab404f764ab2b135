// SPDX-License-Identifier: Apache-2.0
#include "support/etcd_program.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace etcdsync::test {
namespace {

struct newer_flag {
    std::string_view name;
    unsigned since;
};
constexpr newer_flag newer_flags[] = {
    {"--max-txn-ops", 3}, {"--auth-token-ttl", 3}, {"--bcrypt-cost", 4}, {"--initial-election-tick-advance", 4}};

std::string output_of(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    std::string text;
    std::array<char, 256> bytes{};
    while (pipe && std::fgets(bytes.data(), bytes.size(), pipe.get()) != nullptr) text += bytes.data();
    return text;
}

}  // namespace

const etcd_program& etcd_program::of(role side) {
    static const etcd_program master("ETCD_SYNC_TEST_MASTER_ETCD");
    static const etcd_program slave("ETCD_SYNC_TEST_SLAVE_ETCD");
    return side == role::master ? master : slave;
}

etcd_program::etcd_program(const char* variable) {
    if (const char* const directory = std::getenv(variable)) directory_ = directory;
    const std::string version = output_of(fmt::format("'{}' --version 2>&1", etcd()));
    if (std::sscanf(version.c_str(), "etcd Version: 3.%u.", &minor_) != 1)
        throw std::runtime_error(fmt::format("cannot read the version of {}: {}", etcd(), version));
}

bool etcd_program::serves_grpc_alone() const {
    return output_of(fmt::format("'{}' --help 2>&1", etcd())).find("--listen-client-http-urls") != std::string::npos;
}

std::string etcd_program::in_directory(std::string_view name) const {
    return directory_.empty() ? std::string(name) : fmt::format("{}/{}", directory_, name);
}

std::vector<std::string> etcd_program::quiet() const {
    if (minor_ >= 4) return {"--log-level", "error", "--logger", "zap"};
    return {"--log-package-levels", "*=ERROR", "--log-output", "stderr"};
}

std::vector<std::string> etcd_program::supported(const std::vector<std::string>& flags) const {
    const auto is_known = [this](std::string_view name) {
        const auto newer = std::find_if(std::begin(newer_flags), std::end(newer_flags),
                                        [name](const newer_flag& each) { return each.name == name; });
        return newer == std::end(newer_flags) || minor_ >= newer->since;
    };
    std::vector<std::string> out;
    for (std::size_t i = 0; i < flags.size(); ++i) {
        const std::string_view name = std::string_view(flags[i]).substr(0, flags[i].find('='));
        if (is_known(name))
            out.push_back(flags[i]);
        else if (name.size() == flags[i].size())
            ++i;  // skip its value, too
    }
    return out;
}

}  // namespace etcdsync::test
