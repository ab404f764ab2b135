// SPDX-License-Identifier: Apache-2.0
#include "replication/mapping/explain_read.hpp"

#include "base/escape.hpp"

#include <fmt/format.h>

namespace etcdsync::replication {

std::string explain_read(const etcd::error& why, const keys::key_range& keys, bool one_rule) {
    if (!etcd::is_permission_denied(why)) return why.text;
    const auto shown = [](std::string_view key) { return fmt::format("\"{}\"", base::printable(key, key.size())); };
    return fmt::format("{}; it takes read from {} {}{}", why.text, shown(keys.begin),
                       keys.end.empty() ? "on" : "to before " + shown(keys.end),
                       one_rule ? "" : ", or consistency = \"rule\", which needs the rules' own keys alone");
}

}  // namespace etcdsync::replication
