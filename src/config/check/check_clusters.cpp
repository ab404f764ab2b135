// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"
#include "config/read/endpoint.hpp"

#include <fmt/format.h>

#include <map>

namespace etcdsync::config {
namespace {

/// No endpoint twice: within a cluster it is a slip; on two slaves they would fight over one checkpoint; on the master
/// and a slave the slave would be its own source.
class endpoint_register {
public:
    explicit endpoint_register(complaints& out) : out_(out) {}

    void add(const cluster& of, const cluster_notes& notes) {
        for (std::size_t i = 0; i < of.endpoints.size(); ++i) {
            const auto [first, added] = owners_.emplace(address_of(of.endpoints[i]), &notes);
            if (!added) complain(of.endpoints[i], *first->second, notes, notes.endpoints[i]);
        }
    }

private:
    void complain(const endpoint& e, const cluster_notes& other, const cluster_notes& notes, place at) {
        const std::string url = base::printable(e.url);
        if (&other == &notes) {
            out_.error(at, fmt::format("endpoint \"{}\" stands here twice", url), "drop one");
        } else {
            out_.error(at, fmt::format("endpoint \"{}\" belongs to {} already", url, other.label),
                       "master and slaves are clusters of their own");
        }
    }

    complaints& out_;
    std::map<std::string, const cluster_notes*> owners_;
};

}  // namespace

void check_clusters(const draft& checked, complaints& out) {
    endpoint_register endpoints(out);
    endpoints.add(checked.value.master, checked.master);
    std::map<std::string_view, place> names;
    for (std::size_t i = 0; i < checked.slaves.size(); ++i) {
        const slave& one = checked.value.slaves[i];
        endpoints.add(one, checked.slaves[i]);
        if (one.name.empty()) continue;
        const auto [first, added] = names.emplace(one.name, checked.slaves[i].name.at);
        if (added) continue;
        out.error(checked.slaves[i].name.at, fmt::format("two slaves are named \"{}\"", one.name),
                  fmt::format("the other is in line {}", first->second.line));
    }
}

}  // namespace etcdsync::config
