// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"
#include "config/read/endpoint.hpp"

#include <fmt/format.h>

#include <map>

namespace etcdsync::config {
namespace {

/// Refuses duplicate endpoints. Within a cluster it is a mistake; two slaves would write to the
/// same checkpoint; a slave that is the master would be its own source.
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
            out_.error(at, fmt::format("endpoint \"{}\" is listed twice", url), "remove one");
        } else {
            out_.error(at, fmt::format("endpoint \"{}\" already belongs to {}", url, other.label),
                       "master and slaves must be different clusters");
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
                  fmt::format("the other one is on line {}", first->second.line));
    }
}

}  // namespace etcdsync::config
