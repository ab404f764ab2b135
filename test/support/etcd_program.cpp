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

std::string output_of(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"), &::pclose);
    std::string text;
    std::array<char, 256> bytes{};
    while (pipe && std::fgets(bytes.data(), bytes.size(), pipe.get()) != nullptr) text += bytes.data();
    return text;
}

}  // namespace

const etcd_program& etcd_program::of(role plays) {
    static const etcd_program master("ETCD_SYNC_TEST_MASTER_ETCD");
    static const etcd_program slave("ETCD_SYNC_TEST_SLAVE_ETCD");
    return plays == role::master ? master : slave;
}

etcd_program::etcd_program(const char* variable) {
    if (const char* const folder = std::getenv(variable)) folder_ = folder;
    const std::string said = output_of(fmt::format("'{}' --version 2>&1", etcd()));
    if (std::sscanf(said.c_str(), "etcd Version: 3.%u.", &minor_) != 1)
        throw std::runtime_error(fmt::format("{} does not tell its version: {}", etcd(), said));
}

std::string etcd_program::in_folder(std::string_view name) const {
    return folder_.empty() ? std::string(name) : fmt::format("{}/{}", folder_, name);
}

std::vector<std::string> etcd_program::quiet() const {
    if (minor_ >= 4) return {"--log-level", "error", "--logger", "zap"};
    return {"--log-package-levels", "*=ERROR", "--log-output", "stderr"};
}

std::vector<std::string> etcd_program::known(const std::vector<std::string>& flags) const {
    if (minor_ >= 3) return flags;
    constexpr std::string_view unknown[] = {"--max-txn-ops", "--auth-token-ttl"};
    std::vector<std::string> out;
    for (std::size_t i = 0; i < flags.size(); ++i) {
        const std::string_view name = std::string_view(flags[i]).substr(0, flags[i].find('='));
        if (std::find(std::begin(unknown), std::end(unknown), name) == std::end(unknown))
            out.push_back(flags[i]);
        else if (name.size() == flags[i].size())
            ++i;  // its value goes with it
    }
    return out;
}

}  // namespace etcdsync::test
