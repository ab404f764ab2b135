// SPDX-License-Identifier: Apache-2.0
#include "config/read/draft.hpp"

#include <fmt/format.h>

namespace etcdsync::config {
namespace {

void read_uses(table_reader& in, slave_notes& notes) {
    notes.rules = in.list("rules", [&](const toml::node& element, const value_context& context) {
        auto name = read_text(element, context);
        if (name) notes.uses.push_back({*std::move(name), place_of(element)});
        return name.has_value();
    });
    if (notes.rules.given && notes.rules.good && notes.uses.empty()) {
        in.out().error(notes.rules.at, fmt::format("{} takes no rule", in.label()), "omit it to take all rules");
        notes.rules.good = false;
    }
}

void read_slave(table_reader& in, slave& into, slave_notes& notes) {
    read_cluster(in, into, notes);
    read_uses(in, notes);
    notes.dest = in.value("dest", into.dest, read_key);
    in.value("required", into.required, read_flag);
    in.value("paused", into.paused, read_flag);
    if (auto table = in.table("safety", fmt::format("{} safety", in.label()))) {
        read_safety(*table, into.guards);
        table->done();
    }
    in.done();
    notes.dest.good = notes.dest.good && !in.misspelled("dest");
    notes.rules.good = notes.rules.good && !in.misspelled("rules");
}

void read_slave_name(table_reader& in, slave& into, slave_notes& notes, bool alone, std::size_t number) {
    notes.name = in.value("name", into.name, read_name);
    if (!into.name.empty()) in.rename(fmt::format("slave \"{}\"", into.name));
    if (notes.name.given) return;
    if (alone) {
        into.name = "default";
    } else {
        in.missing({"name"}, fmt::format("{} needs a name: there is more than one", in.label()),
                   fmt::format("write name = \"slave-{}\"", number));
    }
}

}  // namespace

void read_slaves(table_reader& root, draft& into) {
    reading all;
    const auto tables = root.tables("slave", all);
    for (const auto& [table, at] : tables) {
        slave& value = into.value.slaves.emplace_back();
        slave_notes& notes = into.slaves.emplace_back();
        value.guards = into.value.guards;
        const bool alone = tables.size() == 1;
        table_reader in(*table, at, alone ? "[[slave]]" : fmt::format("slave {}", into.slaves.size()), root.out());
        read_slave_name(in, value, notes, alone, into.slaves.size());
        read_slave(in, value, notes);
    }
    if (all.good && tables.empty()) {
        root.missing({"slave"}, "no slave", "write [[slave]] with endpoints = [\"http://host:2379\"]", all.at);
    }
}

}  // namespace etcdsync::config
