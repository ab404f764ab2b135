// SPDX-License-Identifier: Apache-2.0
#include "config/read/draft.hpp"

#include <fmt/format.h>

/// The keys that are read and checked, but whose function is not built yet. Any value other than
/// the default is refused, so that no one relies on it. A feature that is built loses its line
/// here.
namespace etcdsync::config {
namespace {

class refusals {
public:
    explicit refusals(complaints& out) : out_(out) {}

    /// Refuses `key` of `table` if its value is not the supported one.
    void unless(bool is_supported, const toml::table* table, std::string_view key, std::string_view supported) {
        const toml::node* const node = is_supported || table == nullptr ? nullptr : table->get(key);
        if (node == nullptr) return;
        out_.error(place_of(*node), fmt::format("\"{}\" is not supported yet", key),
                   fmt::format("only {} is supported", supported));
    }

private:
    complaints& out_;
};

void table_keys(refusals& refuse, const config& of, const toml::table& root) {
    const auto table = [&](std::string_view name) { return root[name].as_table(); };
    refuse.unless(of.verify.interval == duration{0}, table("verify"), "interval", "\"0s\"");
    refuse.unless(!of.verify.repair, table("verify"), "repair", "false");
    refuse.unless(!of.admin.listen || of.admin.listen->empty(), table("admin"), "listen", "[]");
    refuse.unless(of.admin.token_file.empty(), table("admin"), "token_file", "\"\"");
}

}  // namespace

void refuse_unsupported(const toml::table& root, const draft& checked, complaints& out) {
    refusals refuse(out);
    const config& value = checked.value;
    for (std::size_t i = 0; i < checked.slaves.size(); ++i)
        refuse.unless(!value.slaves[i].paused, checked.slaves[i].table, "paused", "false");
    table_keys(refuse, value, root);
}

}  // namespace etcdsync::config
