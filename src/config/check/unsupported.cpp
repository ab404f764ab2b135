// SPDX-License-Identifier: Apache-2.0
#include "config/read/draft.hpp"

#include <fmt/format.h>

/// Refuses settings that are parsed but not implemented yet, unless they have the default value.
/// Remove a line when its feature is implemented.
namespace etcdsync::config {
namespace {

class support_check {
public:
    explicit support_check(complaints& out) : out_(out) {}

    /// Refuses `key` of `table` if its value is not the supported one.
    void supported(bool is_supported, const toml::table* table, std::string_view key, std::string_view only) {
        const toml::node* const node = is_supported || table == nullptr ? nullptr : table->get(key);
        if (node == nullptr) return;
        out_.error(place_of(*node), fmt::format("\"{}\" is not supported yet", key),
                   fmt::format("only {} is supported", only));
    }

private:
    complaints& out_;
};

void table_keys(support_check& require, const config& of, const toml::table& root) {
    const auto table = [&](std::string_view name) { return root[name].as_table(); };
    require.supported(of.verify.interval == duration{0}, table("verify"), "interval", "\"0s\"");
    require.supported(!of.verify.repair, table("verify"), "repair", "false");
    require.supported(!of.admin.listen || of.admin.listen->empty(), table("admin"), "listen", "[]");
    require.supported(of.admin.token_file.empty(), table("admin"), "token_file", "\"\"");
}

}  // namespace

void refuse_unsupported(const toml::table& root, const draft& checked, complaints& out) {
    support_check require(out);
    const config& value = checked.value;
    for (std::size_t i = 0; i < checked.slaves.size(); ++i)
        require.supported(!value.slaves[i].paused, checked.slaves[i].table, "paused", "false");
    table_keys(require, value, root);
}

}  // namespace etcdsync::config
