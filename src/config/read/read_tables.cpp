// SPDX-License-Identifier: Apache-2.0
#include "base/escape.hpp"
#include "config/read/draft.hpp"
#include "config/read/endpoint.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace etcdsync::config {
namespace {

using namespace std::chrono_literals;
using words = std::string_view[];

constexpr base::byte_count kib(std::uint64_t n) { return {n << 10}; }
constexpr base::byte_count mib(std::uint64_t n) { return {n << 20}; }

/// Reads a percentage such as "10%", or a number of keys.
std::optional<delete_limit> read_delete_limit(const toml::node& node, const value_context& in) {
    if (node.is_integer()) {
        const auto keys = read_number(node, in, bounds<unsigned>{0, std::numeric_limits<unsigned>::max()});
        if (!keys) return std::nullopt;
        return delete_limit{false, *keys};
    }
    const auto text = node.value_exact<std::string>();
    if (!text) {
        complain_about_type(node, in, "a percentage or a number of keys", "write \"10%\" or 1000");
        return std::nullopt;
    }
    unsigned percent = 0;
    const char* const end = text->data() + text->size();
    const auto [rest, ec] = std::from_chars(text->data(), end, percent);
    if (ec == std::errc{} && std::string_view(rest, static_cast<std::size_t>(end - rest)) == "%" && percent <= 100) {
        return delete_limit{true, percent};
    }
    in.out.error(place_of(node), fmt::format("\"{}\" is not a percentage", base::printable(*text)),
                 "write \"0%\" to \"100%\", or a number of keys without quotes");
    return std::nullopt;
}

/// Reads an interval of at least 10 s, or "0s" for off.
std::optional<duration> read_interval(const toml::node& node, const value_context& in) {
    const auto interval = read_duration(node, in, bounds<duration>{0s, 24h * 365});
    if (!interval || *interval == 0s || *interval >= 10s) return interval;
    in.out.error(place_of(node), fmt::format("{} is too small", in.what), "at least 10s, or \"0s\" for off");
    return std::nullopt;
}

std::optional<std::string> read_prefix(const toml::node& node, const value_context& in) {
    auto key = read_key(node, in);
    if (!key || !key->empty()) return key;
    in.out.error(place_of(node), fmt::format("{} is empty", in.what), "write \"/.etcd-sync/\"");
    return std::nullopt;
}

void read_limits(table_reader& in, draft& into) {
    replication& r = into.value.replicate;
    into.memory_limit =
        in.value("memory_limit", r.memory_limit, read_size, bounds<base::byte_count>{mib(2), mib(1 << 20)});
    into.log_limit = in.value("log_limit", r.log_limit, read_size, bounds<base::byte_count>{kib(64), mib(1 << 20)});
    const base::byte_count half{r.memory_limit.value / 2};
    if (r.log_limit <= half || !into.memory_limit.good || !into.log_limit.good) return;
    if (!into.log_limit.given) {
        r.log_limit = half;
        return;
    }
    in.out().error(into.log_limit.at, "\"log_limit\" is more than half of \"memory_limit\"",
                   fmt::format("at most {}", written(half)));
}

void read_replication(table_reader& in, draft& into) {
    replication& r = into.value.replicate;
    in.choice("consistency", r.consistency, words{"all", "rule"});
    in.value("probe_interval", r.probe_interval, read_duration, bounds<duration>{250ms, 1h});
    read_limits(in, into);
    in.value("full_sync_parallel", r.full_sync_parallel, read_number, bounds<unsigned>{1, 64});
    in.value("txn_max_ops", r.txn_max_ops, read_number, bounds<unsigned>{4, 1'000'000});
    in.value("txn_max_bytes", r.txn_max_bytes, read_size, bounds<base::byte_count>{kib(4), mib(64)});
    in.value("request_timeout", r.request_timeout, read_duration, bounds<duration>{100ms, 10min});
    into.checkpoint_prefix = in.value("checkpoint_prefix", r.checkpoint_prefix, read_prefix);
}

void read_verify(table_reader& in, verification& into) {
    in.value("interval", into.interval, read_interval);
    in.value("repair", into.repair, read_flag);
}

void read_admin(table_reader& in, admin_access& into) {
    std::vector<listen_address> addresses;
    const reading listen = in.list("listen", [&](const toml::node& element, const value_context& context) {
        const auto text = read_outside_name(element, context);
        if (!text) return false;
        auto parsed = parse_listen_address(*text);
        if (parsed) {
            addresses.push_back(*std::move(parsed));
        } else {
            in.out().error(place_of(element), parsed.error());
        }
        return parsed.has_value();
    });
    if (listen.given && listen.good) into.listen = std::move(addresses);
    in.value("token_file", into.token_file, read_outside_name);
}

void read_log(table_reader& in, log& into) {
    in.choice("level", into.level, words{"trace", "debug", "info", "warn", "error"});
    in.choice("format", into.format, words{"auto", "text", "logfmt", "json"});
}

template <class Read, class Into>
void read_section(table_reader& root, std::string_view name, Read read, Into& into) {
    auto table = root.table(name, fmt::format("[{}]", name));
    if (!table) return;
    read(*table, into);
    table->done();
}

void read_master(table_reader& root, draft& into) {
    auto table = root.table("master", "[master]");
    if (!table) {
        if (root.raw().get("master") == nullptr) {
            root.missing({"master"}, "no master", "write [master] with endpoints = [\"http://host:2379\"]");
        }
        return;
    }
    read_cluster(*table, into.value.master, into.master);
    table->done();
}

}  // namespace

void read_safety(table_reader& in, safety& into) {
    in.choice("prune", into.prune, words{"off", "guarded", "always"});
    in.value("max_delete", into.max_delete, read_delete_limit);
    in.choice("on_master_change", into.on_master_change, words{"hold", "resync"});
}

draft read_draft(const toml::table& root, complaints& out) {
    draft into;
    table_reader in(root, {}, "", out);
    in.value("instance", into.value.instance, read_name);
    read_master(in, into);
    read_section(in, "safety", read_safety, into.value.guards);  // before the slaves, which start from it
    read_slaves(in, into);
    read_rules(in, into);
    read_section(in, "replication", read_replication, into);
    read_section(in, "verify", read_verify, into.value.verify);
    read_section(in, "admin", read_admin, into.value.admin);
    read_section(in, "log", read_log, into.value.logging);
    in.done();
    into.rules_are_known = into.rules_are_known && !in.misspelled("rule");
    return into;
}

}  // namespace etcdsync::config
