// SPDX-License-Identifier: Apache-2.0
#include "support/etcd_cluster.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace etcdsync::test {
namespace {

/// The number after `"name":` in the JSON output of etcdctl.
std::string number_in(const std::string& json, std::string_view name) {
    const std::string label = fmt::format("\"{}\":", name);
    const std::size_t at = json.find(label);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + label.size();
    return json.substr(begin, json.find_first_not_of("0123456789", begin) - begin);
}

bool leads(const etcd_server& member) {
    try {
        const std::string status = etcdctl(member, {"--command-timeout=1s", "endpoint", "status", "-w", "json"});
        const std::string leader = number_in(status, "leader");
        return !leader.empty() && leader == number_in(status, "member_id");
    } catch (const std::runtime_error&) {
        return false;
    }
}

}  // namespace

etcd_cluster::etcd_cluster(const std::vector<std::string>& flags, const listener_options& listener, role side) {
    std::string all;
    for (std::size_t i = 0; i < size; ++i) {
        const etcd_server& member = members_.emplace_back(flags, listener, side);
        clients_.emplace_back(member.port());
        if (i > 0) all += ',';
        all += member.initial_cluster();
    }
    for (etcd_server& member : members_) {
        // By default a member that starts shortens its first election timeout, and replaces the
        // leader if a heartbeat is late.
        member.add_flags({"--initial-cluster", all, "--initial-election-tick-advance=false"});
    }
}

void etcd_cluster::start() {
    for (etcd_server& member : members_) member.start_without_waiting();
    for (std::size_t i = 0; i < size; ++i) {
        const bool up = eventually([&] { return at(i).answers(); }, std::chrono::seconds(30));
        if (!up) throw std::runtime_error("a member did not start: " + member(i).log());
    }
}

std::size_t etcd_cluster::leader() {
    std::size_t found = size;
    const auto has_leader = [&] {
        for (found = 0; found < size; ++found) {
            if (leads(member(found))) return true;
        }
        return false;
    };
    if (!eventually(has_leader, std::chrono::seconds(20))) throw std::runtime_error("the cluster has no leader");
    return found;
}

std::size_t etcd_cluster::follower() { return (leader() + 1) % size; }

endpoint_list etcd_cluster::endpoints(std::size_t first) const {
    std::vector<std::string> urls;
    for (std::size_t i = 0; i < size; ++i) urls.push_back(members_[(first + i) % size].url());
    return endpoint_list(std::move(urls));
}

}  // namespace etcdsync::test
