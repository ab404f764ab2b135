// SPDX-License-Identifier: Apache-2.0
#include "replication/record/position.hpp"

#include "base/escape.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace etcdsync::replication {
namespace {

namespace json = boost::json;

std::string_view to_string(sync_pass pass) {
    switch (pass) {
        case sync_pass::none: return "none";
        case sync_pass::count: return "count";
        case sync_pass::repair: return "repair";
        case sync_pass::prune: return "prune";
    }
    return "none";
}

/// Everything outside of plain following.
void add_state(json::object& to, const checkpoint_position& at) {
    if (at.other) {
        to["state"] = "other";  // the position in a pass is of no use any more
    } else if (at.pass != sync_pass::none) {
        to["state"] = "full_sync";
        to["pass"] = to_string(at.pass).data();
        to["frontier_b64"] = base::base64_encode(at.frontier);
        if (at.split) to["split"] = true;  // a revision that is applied in parts below the frontier
    } else if (at.split) {
        to["state"] = "split";
    }
}

void read_state(object_reader& in, checkpoint_position& out) {
    if (!in.has("state")) return;
    const std::string state = in.text("state");
    if (state == "full_sync") {
        out.pass = read_pass(in);
        out.frontier = in.decoded("frontier_b64");
        if (in.has("split")) out.split = in.flag("split");
    } else if (state == "split") {
        out.split = true;
    } else if (state == "other") {
        out.other = true;
    } else {
        in.complain("state", "is not known: another version of etcd-sync wrote it");
    }
}

}  // namespace

sync_pass read_pass(object_reader& in) {
    const std::string pass = in.text("pass");
    for (const sync_pass known : {sync_pass::none, sync_pass::count, sync_pass::repair, sync_pass::prune}) {
        if (pass == to_string(known)) return known;
    }
    in.complain("pass", "is not known");
    return sync_pass::none;
}

std::string encode_position(const checkpoint_position& at) {
    json::object out{{"format", 2}, {"revision", at.rev}};
    if (at.event_revision > 0) out["event"] = at.event_revision;
    if (!at.event_digest.empty()) out["digest"] = at.event_digest;
    if (at.count) out["count"] = *at.count;
    out["writer"] = at.writer;
    out["seq"] = at.seq;
    out["manifest"] = at.manifest_id;
    add_state(out, at);
    return json::serialize(out);
}

checkpoint_position read_position(object_reader& in) {
    checkpoint_position out;
    out.rev = in.number("revision");
    if (in.has("event")) out.event_revision = in.number("event");
    if (in.has("digest")) out.event_digest = in.text("digest");
    if (in.has("count")) out.count = in.number("count");
    out.writer = in.text("writer");
    out.seq = in.count("seq");
    out.manifest_id = in.text("manifest");
    read_state(in, out);
    if (out.event_revision > out.rev) in.complain("event", "is above the revision");
    return out;
}

}  // namespace etcdsync::replication
