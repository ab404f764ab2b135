// SPDX-License-Identifier: Apache-2.0
#include "app/render/slave_result_text.hpp"

#include "app/render/count.hpp"
#include "app/render/json.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

namespace etcdsync::app {
namespace {

std::string_view master_state(outcome of_master) {
    switch (of_master) {
        case outcome::unreachable: return "is not reachable";
        case outcome::denied: return "denies access";
        default: return "is unusable";
    }
}

std::string cause_at_master(outcome of_master, const std::string& cause) {
    return fmt::format("the master {}: {}", master_state(of_master), cause);
}

boost::json::object as_json(const slave_result& of) {
    boost::json::object out;
    put_part(out, of.of);
    out["state"] = of.how == outcome::good ? "in_sync" : to_string(of.how);
    if (of.how != outcome::good) out["cause"] = json_text(cause_of(of));
    if (of.how == outcome::good) out["revision"] = of.revision;
    out["puts"] = of.puts;
    out["deletes"] = of.deletes;
    out["foreign"] = of.foreign;
    out["kept"] = of.kept;
    if (!of.approved.empty()) out["approved"] = json_text(of.approved);
    put_suggestions(out, of.next);
    return out;
}

}  // namespace

std::string_view to_string(outcome how) {
    switch (how) {
        case outcome::good: return "equal";
        case outcome::different: return "different";
        case outcome::held: return "held";
        case outcome::unreachable: return "unreachable";
        case outcome::denied: return "denied";
        case outcome::failed: return "failed";
        case outcome::interrupted: return "interrupted";
    }
    return "failed";
}

std::string cause_of(const slave_result& of) {
    if (of.how == outcome::interrupted) return "interrupted";
    return of.by_master ? cause_at_master(of.how, of.cause) : of.cause;
}

std::string kept_text(std::uint64_t keys) {
    return keys == 0 ? "" : fmt::format("; {} only on the slave kept", count(keys, "key"));
}

std::string suggestion_lines(std::string_view name, const replication::suggestions& next) {
    std::string out;
    const auto add = [&](std::string_view what, const std::string& command) {
        if (!command.empty()) out += fmt::format("{}: {}: {}\n", name, what, command);
    };
    add("preview", next.preview);
    add("approve", next.approve);
    add("check", next.check);
    return out;
}

void put_suggestions(boost::json::object& to, const replication::suggestions& next) {
    if (!next.preview.empty()) to["preview"] = json_text(next.preview);
    if (!next.approve.empty()) to["approve"] = json_text(next.approve);
    if (!next.check.empty()) to["check"] = json_text(next.check);
}

std::string result_line(const slave_result& of) {
    const std::string name = of.of.name();
    if (of.how == outcome::interrupted) return fmt::format("{}: {}\n", name, cause_of(of));
    if (of.how != outcome::good) {
        return fmt::format("{}: {}: {}\n{}", name, of.how == outcome::held ? "held" : "failed", cause_of(of),
                           suggestion_lines(name, of.next));
    }
    const std::string written = of.puts + of.deletes == 0
                                    ? "nothing to write"
                                    : fmt::format("{}, {}", count(of.puts, "put"), count(of.deletes, "delete"));
    const std::string approved = of.approved.empty() ? "" : "; approved: " + of.approved;
    return fmt::format("{}: in sync at revision {}: {}{}{}\n", name, of.revision, written,
                       kept_text(of.foreign + of.kept), approved);
}

void warn_of(const slave_result& of, output& to) {
    if (of.how != outcome::good) to.warn(result_line(of));
}

std::string result_json(const sync_result& all, exit_code code) {
    boost::json::object out;
    out["schema"] = 1;
    out["exit_code"] = static_cast<int>(code);
    boost::json::object master;
    master["revision"] = all.master_revision;
    if (all.master_failed) {
        master["state"] = to_string(*all.master_failed);
        master["cause"] = json_text(cause_at_master(*all.master_failed, all.master_cause));
    }
    out["master"] = std::move(master);
    boost::json::array slaves;
    for (const slave_result& one : all.slaves) slaves.push_back(as_json(one));
    out["slaves"] = std::move(slaves);
    return to_line(out);
}

}  // namespace etcdsync::app
