// SPDX-License-Identifier: Apache-2.0
#include "app/render/connection_text.hpp"

#include "app/render/grants.hpp"
#include "app/render/json.hpp"
#include "app/render/slave_result_text.hpp"
#include "base/escape.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace etcdsync::app {
namespace {

using subject = replication::permission::subject;

std::string title_of(const cluster_report& one) { return one.is_master ? "master" : "slave " + one.name; }

std::string shown(std::string_view text) { return fmt::format("\"{}\"", base::printable(text, text.size())); }

std::string subject_of(const replication::permission& p) {
    switch (p.of) {
        case subject::all_rules: return "all rules";
        case subject::rule: return "rule " + shown(p.rule);
        case subject::checkpoint: return "checkpoint";
    }
    return "checkpoint";
}

/// Grants everything that is needed: a new grant for the same keys replaces the previous one, so "write" alone would revoke "read".
std::string grant_for(const replication::permission& p) { return grant_line(p.write ? "readwrite" : "read", p.keys); }

std::string what_lacks(const permission_answer& answer) {
    if (answer.read) return "write";
    return answer.of.write && !answer.write ? "read or write" : "read";
}

std::string endpoint_line(const endpoint_answer& answer) {
    const std::string url = base::printable(answer.url);
    if (answer.how != outcome::good) return fmt::format("{}: not usable: {}", url, answer.cause);
    return url +
           (answer.auth_disabled ? ": ok, but authentication is disabled there: the password was not tried" : ": ok");
}

/// A word of a command. It ends before a zero byte, which cannot be typed.
std::string typed(const std::string& text) { return shell_word(text.substr(0, text.find('\0'))); }

/// Says which user the role "ROLE" belongs to.
std::string user_line(const cluster_report& one) {
    if (!one.user.empty())
        return fmt::format("  ROLE is a role of user {}: etcdctl user get {}\n", shown(one.user), typed(one.user));
    if (one.certificate.empty()) return {};
    return fmt::format("  ROLE is a role of the user whose name is the CN of {}: openssl x509 -noout -subject -in {}\n",
                       base::printable(one.certificate, one.certificate.size()), typed(one.certificate));
}

/// One line for the granted intervals of a rule, and one for each interval that is not granted.
class permission_lines {
public:
    permission_lines(const cluster_report& one, bool bad_only) : one_(one), bad_only_(bad_only) {}

    std::string text() {
        for (std::size_t i = 0; i < one_.permissions.size(); ++i) add(one_.permissions[i], i);
        return std::move(out_);
    }

private:
    void add(const permission_answer& answer, std::size_t index) {
        const std::string begin = title_of(one_) + ": " + subject_of(answer.of) + ": may ";
        if (!answer.good()) {
            out_ += fmt::format("{}NOT {} {}\n", begin, what_lacks(answer), described(answer.of.keys));
            out_ += fmt::format("  {}\n", grant_for(answer.of));
        } else if (!bad_only_ && is_first_of_good(index)) {
            out_ += fmt::format("{}{} {}\n", begin, answer.of.write ? "read and write" : "read", all_of(answer.of));
        }
    }

    [[nodiscard]] bool is_beside(const permission_answer& answer, const replication::permission& p) const {
        return answer.good() && answer.of.of == p.of && answer.of.rule == p.rule;
    }

    [[nodiscard]] bool is_first_of_good(std::size_t index) const {
        const auto begin = one_.permissions.begin();
        const auto end = begin + static_cast<std::ptrdiff_t>(index);
        return std::none_of(begin, end,
                            [&](const auto& answer) { return is_beside(answer, one_.permissions[index].of); });
    }

    /// Every granted interval of the same rule.
    [[nodiscard]] std::string all_of(const replication::permission& p) const {
        std::vector<std::string> parts;
        for (const permission_answer& answer : one_.permissions) {
            if (is_beside(answer, p)) parts.push_back(described(answer.of.keys));
        }
        return fmt::format("{}", fmt::join(parts, ", "));
    }

    const cluster_report& one_;
    bool bad_only_;
    std::string out_;
};

boost::json::object json_of(const endpoint_answer& answer) {
    boost::json::object out;
    out["url"] = json_text(answer.url);
    if (answer.cluster_id != 0) out["cluster_id"] = fmt::format("{:016x}", answer.cluster_id);
    out["state"] = answer.how == outcome::good ? "ok" : to_string(answer.how);
    if (answer.how != outcome::good) out["cause"] = json_text(answer.cause);
    if (answer.auth_disabled) out["auth_disabled"] = true;
    return out;
}

boost::json::object json_of(const permission_answer& answer) {
    boost::json::object out;
    if (answer.of.of == subject::rule) out["rule"] = json_text(answer.of.rule);
    out["subject"] = answer.of.of == subject::rule         ? "rule"
                     : answer.of.of == subject::checkpoint ? "checkpoint"
                                                           : "all_rules";
    put_key(out, "begin", answer.of.keys.begin);
    put_key(out, "end", answer.of.keys.end);
    out["needs"] = answer.of.write ? "readwrite" : "read";
    out["read"] = answer.read;
    if (answer.of.write) out["write"] = answer.write;
    out["ok"] = answer.good();
    if (!answer.good()) out["grant"] = grant_for(answer.of);
    return out;
}

}  // namespace

std::string lines_of(const cluster_report& one, bool bad_only) {
    std::string out;
    const std::string title = title_of(one);
    for (const endpoint_answer& answer : one.endpoints) {
        if (answer.how != outcome::good || !bad_only) out += fmt::format("{}: {}\n", title, endpoint_line(answer));
    }
    out += permission_lines(one, bad_only).text();
    if (one.rule_mode_would_do) {
        out += fmt::format("  or write consistency = \"rule\" in [replication]: what that needs on the {} is granted\n",
                           title);
    }
    if (!all_granted(one)) out += user_line(one);
    if (one.how != outcome::good) out += fmt::format("{}: permissions could not be checked: {}\n", title, one.cause);
    return out;
}

boost::json::object json_of(const cluster_report& one) {
    boost::json::object out;
    if (!one.is_master) out["slave"] = one.name;
    if (!one.user.empty()) {
        out["user"] = json_text(one.user);
    } else if (!one.certificate.empty()) {
        out["user_from_certificate"] = json_text(one.certificate);
    }
    boost::json::array endpoints;
    for (const endpoint_answer& answer : one.endpoints) endpoints.push_back(json_of(answer));
    out["endpoints"] = std::move(endpoints);
    boost::json::array permissions;
    for (const permission_answer& answer : one.permissions) permissions.push_back(json_of(answer));
    out["permissions"] = std::move(permissions);
    if (one.is_master) out["consistency_rule_suffices"] = one.rule_mode_would_do;
    if (one.how != outcome::good) out["cause"] = json_text(one.cause);
    out["ok"] = code_for({one}) == exit_code::ok;
    return out;
}

void add_connections(boost::json::object& to, const std::vector<cluster_report>& all) {
    boost::json::array slaves;
    for (const cluster_report& one : all) {
        if (one.is_master) {
            to["master"] = json_of(one);
        } else {
            slaves.push_back(json_of(one));
        }
    }
    to["slaves"] = std::move(slaves);
}

}  // namespace etcdsync::app
