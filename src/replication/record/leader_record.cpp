// SPDX-License-Identifier: Apache-2.0
#include "replication/record/leader_record.hpp"

#include "base/escape.hpp"
#include "replication/record/checkpoint.hpp"
#include "replication/record/object_reader.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <cstdint>

namespace etcdsync::replication {
namespace {

namespace json = boost::json;

constexpr std::int64_t known_format = 1;
constexpr std::size_t max_record_bytes = 4U << 10;
constexpr std::size_t max_text_bytes = 256;

std::string short_text(object_reader& in, std::string_view name) {
    std::string out = in.text(name);
    if (out.size() > max_text_bytes || !base::is_printable_utf8(out)) return in.complain(name, "is not a short text");
    return out;
}

}  // namespace

std::string encode(const leader_record& record) {
    const json::object object{
        {"format", known_format},
        {"writer", record.writer},
        {"since", record.since},
        {"cluster_id", fmt::format("{:x}", record.cluster_id)},
        {"rules", record.rules},
        {"boot_id", record.process.boot_id},
        {"pid_namespace", record.process.pid_namespace},
        {"pid", record.process.pid},
        {"start_time", record.process.start_time},
    };
    return json::serialize(object);
}

base::result<leader_record> parse_leader_record(std::string_view text) {
    if (text.size() > max_record_bytes) return base::error("it is larger than any record of a leader");
    boost::system::error_code ec;
    json::parse_options options;
    options.max_depth = 4;
    const json::value value = json::parse(json::string_view(text.data(), text.size()), ec, {}, options);
    if (ec) return base::error("it is not JSON");
    if (!value.is_object()) return base::error("it is not a JSON object");
    object_reader in(value.get_object());
    leader_record out;
    if (in.number("format") != known_format) in.complain("format", "is not 1: another version of etcd-sync wrote it");
    out.writer = short_text(in, "writer");
    out.since = short_text(in, "since");
    out.cluster_id = in.id("cluster_id");
    out.rules = short_text(in, "rules");
    out.process.boot_id = short_text(in, "boot_id");
    out.process.pid_namespace = in.count("pid_namespace");
    out.process.pid = in.number("pid");
    out.process.start_time = in.count("start_time");
    if (!in.wrong().empty()) return base::error(in.wrong());
    return out;
}

std::string leader_key(std::string_view checkpoint_prefix, std::string_view instance) {
    return position_key(checkpoint_prefix, instance) + ":leader";
}

}  // namespace etcdsync::replication
