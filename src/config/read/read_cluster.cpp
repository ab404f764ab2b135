// SPDX-License-Identifier: Apache-2.0
#include "config/read/draft.hpp"
#include "config/read/endpoint.hpp"

#include <fmt/format.h>

namespace etcdsync::config {
namespace {

void read_endpoints(table_reader& in, cluster& into, cluster_notes& notes) {
    const reading all = in.list("endpoints", [&](const toml::node& element, const value_context& context) {
        ++notes.endpoints_written;
        const auto text = read_outside_name(element, context);
        if (!text) return false;
        auto parsed = parse_endpoint(*text);
        if (!parsed) {
            in.out().error(place_of(element), parsed.error());
            return false;
        }
        into.endpoints.push_back(*std::move(parsed));
        notes.endpoints.push_back(place_of(element));
        return true;
    });
    if (all.good && into.endpoints.empty()) {
        in.missing({"endpoints"}, fmt::format("{} has no endpoints", in.label()),
                   "write endpoints = [\"http://host:2379\"]", all.at);
    }
}

}  // namespace

void read_cluster(table_reader& in, cluster& into, cluster_notes& notes) {
    notes.table = &in.raw();
    notes.at = in.at();
    notes.label = in.label();
    read_endpoints(in, into, notes);
    read_tls(in, into.tls, notes);
    read_auth(in, into.auth, notes);
}

}  // namespace etcdsync::config
