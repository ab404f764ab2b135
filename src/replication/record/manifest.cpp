// SPDX-License-Identifier: Apache-2.0
#include "replication/record/manifest.hpp"

#include "base/escape.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <utility>

namespace etcdsync::replication {
namespace {

namespace json = boost::json;

json::array encoded(const std::vector<span>& spans) {
    json::array out;
    for (const span& s : spans) {
        out.push_back({{"start_b64", base::base64_encode(s.keys.begin)},
                       {"end_b64", base::base64_encode(s.keys.end)},
                       {"since", s.since}});
    }
    return out;
}

json::array encoded(const anchor_list& anchors) {
    json::array out;
    for (const anchor& a : anchors) {
        out.push_back({{"key_b64", base::base64_encode(a.key)},
                       {"create_revision", a.create_revision},
                       {"mod_revision", a.mod_revision},
                       {"version", a.version},
                       {"digest", a.digest},
                       {"seen_at", a.seen_at}});
    }
    return out;
}

}  // namespace

std::string encode_manifest(const checkpoint_manifest& of, std::string_view id) {
    json::object out;
    out["format"] = 2;
    out["id"] = json::string_view(id.data(), id.size());
    out["cluster_id"] = fmt::format("{:x}", of.cluster_id);
    if (of.raft.known()) {
        out["raft_term"] = of.raft.term;
        out["raft_index"] = of.raft.index;
        out["slack"] = of.raft.slack;
    }
    out["rules"] = of.rules;
    out["spans"] = encoded(of.spans);
    out["anchors"] = encoded(of.anchors);
    out["slave_cluster_id"] = fmt::format("{:x}", of.slave_cluster_id);
    out["slave_revision"] = of.slave_revision;
    out["time"] = of.time;
    return json::serialize(out);
}

std::vector<span> read_spans(object_reader& in) {
    std::vector<span> out;
    in.each("spans", [&out](object_reader& item) {
        span read;
        read.keys.begin = item.decoded("start_b64");
        read.keys.end = item.decoded("end_b64");
        read.since = item.number("since");
        out.push_back(std::move(read));
    });
    return out;
}

anchor_list read_anchors(object_reader& in, revision seen_at) {
    constexpr std::size_t max_anchors = 16;
    anchor_list out;
    in.each("anchors", [&](object_reader& item) {
        anchor read;
        read.key = item.decoded("key_b64");
        read.create_revision = item.number("create_revision");
        read.mod_revision = item.number("mod_revision");
        read.version = item.number("version");
        read.digest = item.text("digest");
        read.seen_at = item.has("seen_at") ? item.number("seen_at") : seen_at;
        out.push_back(std::move(read));
    });
    if (out.size() > max_anchors) in.complain("anchors", "has too many elements");
    return out;
}

checkpoint_manifest read_manifest(object_reader& in) {
    checkpoint_manifest out;
    out.cluster_id = in.id("cluster_id");
    if (in.has("raft_index")) out.raft = {in.count("raft_term"), in.count("raft_index"), in.difference("slack")};
    out.rules = in.text("rules");
    out.spans = read_spans(in);
    out.anchors = read_anchors(in, 0);
    out.slave_cluster_id = in.id("slave_cluster_id");
    out.slave_revision = in.number("slave_revision");
    out.time = in.text("time");
    return out;
}

}  // namespace etcdsync::replication
