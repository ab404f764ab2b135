// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/connection_report.hpp"

#include "base/escape.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace etcdsync::app {

bool all_granted(const cluster_report& one) {
    const auto good = [](const permission_answer& answer) { return answer.good(); };
    return std::ranges::all_of(one.permissions, good);
}

void check_membership(std::vector<endpoint_answer>& all) {
    const auto knows_cluster = [](const endpoint_answer& answer) { return answer.cluster_id != 0; };
    const auto first = std::ranges::find_if(all, knows_cluster);
    if (first == all.end()) return;
    for (endpoint_answer& answer : all) {
        if (!knows_cluster(answer) || answer.cluster_id == first->cluster_id) continue;
        answer.how = outcome::failed;
        answer.cause =
            fmt::format("it is a member of cluster {:x}, and {} of cluster {:x}: list members of one cluster only",
                        answer.cluster_id, base::printable(first->url), first->cluster_id);
    }
}

exit_code code_for(const std::vector<cluster_report>& all) {
    std::vector<outcome> met;
    for (const cluster_report& one : all) {
        met.push_back(all_granted(one) ? one.how : outcome::denied);
        for (const endpoint_answer& answer : one.endpoints) met.push_back(answer.how);
    }
    const auto has = [&met](outcome how) { return std::ranges::find(met, how) != met.end(); };
    if (has(outcome::denied)) return exit_code::denied;
    if (has(outcome::unreachable)) return exit_code::unreachable;
    const auto good = [](outcome how) { return how == outcome::good; };
    return std::ranges::all_of(met, good) ? exit_code::ok : exit_code::failed;
}

}  // namespace etcdsync::app
