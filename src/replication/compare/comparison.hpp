// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"
#include "replication/mapping/mapping.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Merge-joins one segment of master and slave, page by page, in the order of the slave's keys. Pure: pages in,
/// differences out. Keys no rule takes are passed over on both sides.
class comparison {
public:
    /// Begins at `from`, a key inside the target of `where`. With `keys_only`, values are not compared.
    /// `keys` and `where` outlive it.
    comparison(const mapping& keys, const segment& where, const std::string& from, bool keys_only);

    enum class outcome {
        need_master,  ///< give the next page of the master, from master_from() on
        need_slave,   ///< give the next page of the slave, from slave_from() on
        missing,      ///< on the master, not on the slave
        different,    ///< on both, with different values
        slave_only,
        done,  ///< the segment is compared
    };

    struct step {
        outcome what = outcome::done;
        std::string_view key;    ///< of the slave; holds until the next call
        std::string_view value;  ///< of the master; holds as long as `owner`
        base::shared_buffer owner;
        etcd::revision mod_revision = 0;  ///< of a key only on the slave
        std::size_t rule = 0;             ///< that takes the key, by index
        std::size_t old_size = 0;         ///< of a different value, as the slave has it
    };

    [[nodiscard]] step next();

    void add_master(etcd::range_page page) { master_.add(std::move(page)); }
    void add_slave(etcd::range_page page) { slave_.add(std::move(page)); }

    /// Where the next page of a side begins, in its own keys.
    [[nodiscard]] const std::string& master_from() const { return master_.from; }
    [[nodiscard]] const std::string& slave_from() const { return slave_.from; }

    /// Every key of the slave below it was reported, or found equal.
    [[nodiscard]] const std::string& frontier() const { return frontier_; }

    /// Selected keys of the master passed so far, and the newest mod_revision among them.
    [[nodiscard]] std::uint64_t compared() const { return compared_; }
    [[nodiscard]] etcd::revision newest() const { return newest_; }

    /// Keys of the slave passed so far, of each rule by index.
    [[nodiscard]] const std::vector<std::uint64_t>& on_slave() const { return on_slave_; }

private:
    /// One side: the page at hand, the place in it, and where the next one begins.
    struct cursor {
        void add(etcd::range_page next_page);
        [[nodiscard]] bool has_key() const { return at < page.kvs.size(); }
        [[nodiscard]] bool needs_page() const { return !has_key() && !ended; }
        [[nodiscard]] const etcd::key_value& key() const { return page.kvs[at]; }

        etcd::range_page page;
        std::size_t at = 0;
        bool ended = false;  ///< nothing comes behind `page`
        std::string from;
    };

    void skip_foreign_to_rules();
    [[nodiscard]] static step need(outcome what);
    step pass_slave();
    step pass_master(outcome what);
    void pass(std::string_view slave_key);

    const mapping* mapping_;
    const segment* segment_;
    bool keys_only_;
    cursor master_;
    cursor slave_;
    std::string target_;           ///< the master's key at hand, as the slave has it
    std::size_t master_rule_ = 0;  ///< that takes the master's key at hand
    std::size_t slave_rule_ = 0;
    std::vector<std::uint64_t> on_slave_;
    std::string scratch_;
    std::string frontier_;
    std::uint64_t compared_ = 0;
    etcd::revision newest_ = 0;
};

}  // namespace etcdsync::replication
