// SPDX-License-Identifier: Apache-2.0
#include "replication/record/checkpoint.hpp"

#include "base/escape.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <limits>

namespace etcdsync::replication {
namespace {

namespace json = boost::json;

constexpr std::int64_t known_format = 1;
// Larger than any Txn of ours; parsed JSON takes many times its size in memory.
constexpr std::size_t max_checkpoint_bytes = 1U << 20;

std::string_view state_of(const checkpoint& record) {
    if (record.split) return "split";
    return record.pass == sync_pass::none ? "follow" : "full_sync";
}

std::string_view to_string(sync_pass pass) {
    switch (pass) {
        case sync_pass::none: return "none";
        case sync_pass::count: return "count";
        case sync_pass::repair: return "repair";
        case sync_pass::prune: return "prune";
    }
    return "none";
}

/// Reads the members of one JSON object and keeps the first error.
class object_reader {
public:
    explicit object_reader(const json::object& from) : from_(&from) {}

    std::string text(std::string_view name) {
        const json::value* const value = find(name);
        if (value == nullptr) return {};
        if (!value->is_string()) return complain(name, "is not a string");
        const json::string& found = value->get_string();
        return std::string(found.data(), found.size());
    }

    std::int64_t number(std::string_view name) {
        const json::value* const value = find(name);
        if (value == nullptr) return 0;
        if (value->is_int64() && etcd::is_possible(value->get_int64())) return value->get_int64();
        complain(name, "is not an integer from 0 to 2^53");
        return 0;
    }

    std::uint64_t count(std::string_view name) {
        const json::value* const value = find(name);
        if (value == nullptr) return 0;
        if (value->is_uint64()) return value->get_uint64();
        if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
        complain(name, "is not a non-negative integer");
        return 0;
    }

    std::string decoded(std::string_view name) {
        std::string bytes;
        const std::string encoded = text(name);
        if (!base::base64_decode(encoded, bytes)) return complain(name, "is not base64");
        return bytes;
    }

    std::uint64_t id(std::string_view name) {
        const std::string hex = text(name);
        std::uint64_t value = 0;
        const char* const end = hex.data() + hex.size();
        const auto [rest, ec] = std::from_chars(hex.data(), end, value, 16);
        if (ec != std::errc{} || rest != end) complain(name, "is not a hexadecimal id");
        return value;
    }

    [[nodiscard]] bool has(std::string_view name) const {
        return from_->if_contains(json::string_view(name.data(), name.size())) != nullptr;
    }

    const json::value* find(std::string_view name) {
        const json::value* const value = from_->if_contains(json::string_view(name.data(), name.size()));
        if (value == nullptr) complain(name, "is missing");
        return value;
    }

    std::string complain(std::string_view name, std::string_view what) {
        if (wrong_.empty()) wrong_ = fmt::format("\"{}\" {}", name, what);
        return {};
    }

    [[nodiscard]] const std::string& wrong() const { return wrong_; }

private:
    const json::object* from_;
    std::string wrong_;
};

void read_pass(object_reader& in, checkpoint& out) {
    const std::string pass = in.text("pass");
    for (const sync_pass known : {sync_pass::none, sync_pass::count, sync_pass::repair, sync_pass::prune}) {
        if (pass != to_string(known)) continue;
        out.pass = known;
        return;
    }
    in.complain("pass", "is not known");
}

/// Calls `read` with a reader for each object of the array `name`.
void read_array(object_reader& in, std::string_view name, const std::function<void(object_reader&)>& read) {
    const json::value* const array = in.find(name);
    if (array == nullptr) return;
    if (!array->is_array()) {
        in.complain(name, "is not an array");
        return;
    }
    for (const json::value& item : array->get_array()) {
        if (!item.is_object()) {
            in.complain(name, "has an element that is not an object");
            return;
        }
        object_reader inner(item.get_object());
        read(inner);
        if (!inner.wrong().empty()) in.complain(name, inner.wrong());
    }
}

void read_spans(object_reader& in, checkpoint& out) {
    read_array(in, "spans", [&out](object_reader& item) {
        span read;
        read.keys.begin = item.decoded("start_b64");
        read.keys.end = item.decoded("end_b64");
        read.since = item.number("since");
        out.spans.push_back(std::move(read));
    });
}

/// Reads the members that later versions added. A checkpoint without them is valid, only slower to
/// resume from.
void read_anchors(object_reader& in, checkpoint& out) {
    constexpr std::size_t max_anchors = 16;
    if (in.has("anchors")) {
        read_array(in, "anchors", [&out](object_reader& item) {
            anchor read;
            read.key = item.decoded("key_b64");
            read.create_revision = item.number("create_revision");
            read.mod_revision = item.number("mod_revision");
            read.version = item.number("version");
            read.digest = item.text("digest");
            out.anchors.push_back(std::move(read));
        });
        if (out.anchors.size() > max_anchors) in.complain("anchors", "has too many elements");
    }
    if (in.has("count")) out.count = in.number("count");
}

}  // namespace

std::string encode(const checkpoint& record) {
    json::array spans;
    for (const span& s : record.spans) {
        spans.push_back({{"start_b64", base::base64_encode(s.keys.begin)},
                         {"end_b64", base::base64_encode(s.keys.end)},
                         {"since", s.since}});
    }
    json::array anchors;
    for (const anchor& a : record.anchors) {
        anchors.push_back({{"key_b64", base::base64_encode(a.key)},
                           {"create_revision", a.create_revision},
                           {"mod_revision", a.mod_revision},
                           {"version", a.version},
                           {"digest", a.digest}});
    }
    json::object object{
        {"format", known_format},
        {"instance", record.instance},
        {"cluster_id", fmt::format("{:x}", record.cluster_id)},
        {"raft_term", record.raft_term},
        {"revision", record.rev},
        {"state", state_of(record).data()},
        {"pass", to_string(record.pass).data()},
        {"frontier_b64", base::base64_encode(record.frontier)},
        {"event_revision", record.event_revision},
        {"event_digest", record.event_digest},
        {"rules", record.rules},
        {"spans", std::move(spans)},
        {"writer", record.writer},
        {"seq", record.seq},
        {"time", record.time},
        {"anchors", std::move(anchors)},
    };
    if (record.count) object["count"] = *record.count;
    return json::serialize(object);
}

base::result<checkpoint> parse_checkpoint(std::string_view text) {
    if (text.size() > max_checkpoint_bytes) return base::error("it is larger than any checkpoint of etcd-sync");
    boost::system::error_code ec;
    json::parse_options options;
    options.max_depth = 8;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
    if (ec) return base::error("it is not JSON");
    if (!value.is_object()) return base::error("it is not a JSON object");
    object_reader in(value.get_object());
    checkpoint out;
    if (in.number("format") != known_format) in.complain("format", "is not 1: another version of etcd-sync wrote it");
    out.instance = in.text("instance");
    out.cluster_id = in.id("cluster_id");
    out.raft_term = in.count("raft_term");
    out.rev = in.number("revision");
    read_pass(in, out);
    out.frontier = in.decoded("frontier_b64");
    out.event_revision = in.number("event_revision");
    out.event_digest = in.text("event_digest");
    out.rules = in.text("rules");
    read_spans(in, out);
    out.writer = in.text("writer");
    out.seq = in.count("seq");
    out.time = in.text("time");
    out.split = in.text("state") == "split";
    read_anchors(in, out);
    if (out.event_revision > out.rev) in.complain("event_revision", "is above the revision");
    if (!in.wrong().empty()) return base::error(in.wrong());
    return out;
}

std::string checkpoint_key(std::string_view checkpoint_prefix, std::string_view instance) {
    return fmt::format("{}{}", checkpoint_prefix, instance);
}

}  // namespace etcdsync::replication
