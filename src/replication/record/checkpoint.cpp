// SPDX-License-Identifier: Apache-2.0
#include "replication/record/checkpoint.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <utility>

namespace etcdsync::replication {
namespace {

namespace json = boost::json;

// Larger than any Txn of ours; parsed JSON takes many times its size in memory.
constexpr std::size_t max_text_bytes = 1U << 20;

base::result<json::object> parse_object(std::string_view text) {
    if (text.size() > max_text_bytes) return base::error("it is larger than any checkpoint of etcd-sync");
    boost::system::error_code ec;
    json::parse_options options;
    options.max_depth = 8;
    json::value value = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
    if (ec) return base::error("it is not JSON");
    if (!value.is_object()) return base::error("it is not a JSON object");
    return std::move(value.get_object());
}

void require_format_2(object_reader& in) {
    if (in.number("format") != 2) in.complain("format", "is not 2: another version of etcd-sync wrote it");
}

base::result<checkpoint> parse_format_1(const json::object& object) {
    object_reader in(object);
    checkpoint out;
    out.cluster_id = in.id("cluster_id");
    out.rev = in.number("revision");
    out.pass = read_pass(in);
    out.frontier = in.decoded("frontier_b64");
    out.event_revision = in.number("event_revision");
    out.spans = read_spans(in);
    out.writer = in.text("writer");
    out.seq = in.count("seq");
    out.time = in.text("time");
    out.split = in.text("state") == "split";
    if (in.has("anchors")) out.anchors = read_anchors(in, out.rev);
    for (anchor& a : out.anchors) a.digest.clear();
    if (in.has("count")) out.count = in.number("count");
    if (out.event_revision > out.rev) in.complain("event_revision", "is above the revision");
    if (!in.wrong().empty()) return base::error(in.wrong());
    return out;
}

bool is_format_1(const json::object& object) {
    object_reader in(object);
    return in.has("format") && in.number("format") == 1;
}

base::result<checkpoint_position> parse_format_2(const json::object& object) {
    object_reader in(object);
    require_format_2(in);
    checkpoint_position out = read_position(in);
    if (!in.wrong().empty()) return base::error(in.wrong());
    return out;
}

base::error manifest_error(const std::string& why) { return base::error("its manifest is not usable: " + why); }

base::result<checkpoint_manifest> parse_manifest(const std::optional<std::string>& text, const std::string& id) {
    if (!text) return base::error("its manifest is missing");
    const auto object = parse_object(*text);
    if (!object) return manifest_error(object.error().text);
    object_reader in(*object);
    require_format_2(in);
    if (in.text("id") != id) in.complain("id", "is not the one in the position");
    checkpoint_manifest out = read_manifest(in);
    if (!in.wrong().empty()) return manifest_error(in.wrong());
    return out;
}

/// What remains true without the manifest: that the master had another history, which must not be forgotten.
checkpoint without_manifest(const checkpoint_position& at) {
    checkpoint out;
    out.other = at.other;
    out.writer = at.writer;
    out.seq = at.seq;
    return out;
}

}  // namespace

void move_unchanged(checkpoint& record, revision to) {
    if (to <= record.rev) return;
    move_to(record.anchors, record.rev, to);
    record.rev = to;
}

checkpoint_text encode(const checkpoint& record) {
    return {encode_position(record), encode_manifest(record, record.manifest_id)};
}

base::result<checkpoint_position> parse_position(std::string_view text) {
    const auto at = parse_object(text);
    if (!at) return at.error();
    if (is_format_1(*at)) {
        const auto whole = parse_format_1(*at);
        if (!whole) return whole.error();
        return *whole;
    }
    return parse_format_2(*at);
}

base::result<checkpoint> parse_checkpoint(const checkpoint_text& text) {
    const auto at = parse_object(text.position);
    if (!at) return at.error();
    if (is_format_1(*at)) return parse_format_1(*at);
    auto position = parse_format_2(*at);
    if (!position) return position.error();
    checkpoint out;
    static_cast<checkpoint_position&>(out) = *std::move(position);
    auto manifest = parse_manifest(text.manifest, out.manifest_id);
    if (!manifest && out.other) return without_manifest(out);
    if (!manifest) return manifest.error();
    static_cast<checkpoint_manifest&>(out) = *std::move(manifest);
    return out;
}

std::string position_key(std::string_view checkpoint_prefix, std::string_view instance) {
    return fmt::format("{}{}", checkpoint_prefix, instance);
}

}  // namespace etcdsync::replication
