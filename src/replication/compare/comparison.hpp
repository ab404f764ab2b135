// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/wire.hpp"
#include "replication/mapping/mapping.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// Merge-joins one segment of master and slave, page by page, in the order of the slave's keys.
/// Pure: pages in, differences out. Keys that no rule takes are skipped on both sides.
class comparison {
public:
    /// Starts at `from`, a key inside the target of `where`. With `keys_only`, values are not
    /// compared. `keys` and `where` outlive this.
    comparison(const mapping& keys, const segment& where, const std::string& from, bool keys_only);

    enum class step_kind {
        need_master,  ///< needs the next page of the master, from master_from()
        need_slave,   ///< needs the next page of the slave, from slave_from()
        missing,      ///< on the master, not on the slave
        different,    ///< on both, with different values
        slave_only,
        done,  ///< the segment is compared
    };

    struct step {
        step_kind what = step_kind::done;
        std::string_view key;    ///< of the slave; valid until the next call
        std::string_view value;  ///< of the master; valid as long as `owner`
        base::shared_buffer owner;
        etcd::revision mod_revision = 0;  ///< of the slave's key if only the slave has it, else of the master's
        std::size_t rule = 0;             ///< index of the rule that takes the key
        std::size_t old_size = 0;         ///< size of the slave's value, if it differs
    };

    [[nodiscard]] step next();

    void add_master(etcd::range_page page) { master_.add(std::move(page)); }
    void add_slave(etcd::range_page page) { slave_.add(std::move(page)); }

    /// The first key of the next page of a side, in the keys of that side.
    [[nodiscard]] const std::string& master_from() const { return master_.from; }
    [[nodiscard]] const std::string& slave_from() const { return slave_.from; }

    /// Every key of the slave below it was reported or found equal.
    [[nodiscard]] const std::string& frontier() const { return frontier_; }

    /// The number of selected keys of the master compared so far, and the newest mod_revision among
    /// them.
    [[nodiscard]] std::uint64_t compared() const { return compared_; }
    [[nodiscard]] etcd::revision newest() const { return newest_; }

    /// The number of keys of the slave passed so far, per rule.
    [[nodiscard]] const std::vector<std::uint64_t>& on_slave() const { return on_slave_; }

private:
    /// One side: the current page, the position in it, and the start of the next page.
    struct cursor {
        void add(etcd::range_page next_page);
        [[nodiscard]] bool has_key() const { return at < page.kvs.size(); }
        [[nodiscard]] bool needs_page() const { return !has_key() && !ended; }
        [[nodiscard]] const etcd::key_value& key() const { return page.kvs[at]; }

        etcd::range_page page;
        std::size_t at = 0;
        bool ended = false;  ///< `page` is the last one
        std::string from;
    };

    void skip_unselected();
    [[nodiscard]] static step need(step_kind what);
    step pass_slave();
    step pass_master(step_kind what);
    void pass(std::string_view slave_key);

    const mapping* mapping_;
    const segment* segment_;
    bool keys_only_;
    cursor master_;
    cursor slave_;
    std::string target_;           ///< the master's current key, mapped to the slave
    std::size_t master_rule_ = 0;  ///< rule of the master's current key
    std::size_t slave_rule_ = 0;
    std::vector<std::uint64_t> on_slave_;
    std::string scratch_;
    std::string frontier_;
    std::uint64_t compared_ = 0;
    etcd::revision newest_ = 0;
};

}  // namespace etcdsync::replication
