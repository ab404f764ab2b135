// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/read/cluster_places.hpp"
#include "config/toml/table_reader.hpp"

#include <string>
#include <vector>

namespace etcdsync::config {

/// What the checks need about a cluster in addition to its values: the places in the file.
struct cluster_notes : cluster_places {
    const toml::table* table = nullptr;
    place at;                           ///< the header
    std::vector<place> endpoints;       ///< one for each of cluster::endpoints
    std::size_t endpoints_written = 0;  ///< number of elements in the file, including invalid ones
};

/// `rules = [...]` before the names are looked up.
struct rule_use {
    std::string name;
    place at;
};

struct slave_notes : cluster_notes {
    reading name;
    reading dest;
    reading rules;
    std::vector<rule_use> uses;
};

struct rule_notes {
    const toml::table* table = nullptr;
    place at;  ///< the header
    std::string label;
    reading name;
    reading select;
    reading strip;
    reading dest;
    /// True if nothing is known to be wrong with its source and its destination.
    [[nodiscard]] bool maps() const { return select.good && select.given && strip.good && dest.good; }
};

/// A configuration as read key by key, before the checks that need more than one key.
struct draft {
    config value;
    cluster_notes master;
    std::vector<slave_notes> slaves;  ///< one for each of config::slaves
    std::vector<rule_notes> rules;    ///< one for each of config::rules
    bool rules_are_known = true;      ///< false: a rule or its name could not be read
    reading checkpoint_prefix;
    reading memory_limit;
    reading log_limit;
};

/// Reads every key of the file and reports what is wrong with each one by itself. `root` must
/// outlive the draft.
[[nodiscard]] draft read_draft(const toml::table& root, complaints& out);

// Its parts, one per table.
void read_cluster(table_reader& in, cluster& into, cluster_notes& notes);
void read_tls(table_reader& in, tls_settings& into, cluster_notes& notes);
void read_auth(table_reader& in, auth_settings& into, cluster_notes& notes);
void read_slaves(table_reader& root, draft& into);
void read_rules(table_reader& root, draft& into);
void read_safety(table_reader& in, safety& into);

// Checks across keys, in the order they run.
void check_clusters(const draft& checked, complaints& out);
void check_access(const draft& checked,
                  complaints& out);                   ///< what tls and auth of a cluster have to do with its endpoints
void resolve_rules(draft& checked, complaints& out);  ///< rule names unique; fills slave::rules
void check_spans(const draft& checked, complaints& out);
void refuse_unsupported(const toml::table& root, const draft& checked, complaints& out);

}  // namespace etcdsync::config
