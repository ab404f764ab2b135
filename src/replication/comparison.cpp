// SPDX-License-Identifier: Apache-2.0
#include "replication/comparison.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// The least key above `key`.
std::string just_after(std::string_view key) { return std::string(key).append(1, '\0'); }

}  // namespace

void comparison::cursor::add(etcd::range_page next_page) {
    page = std::move(next_page);
    at = 0;
    ended = !page.more;
    if (!page.kvs.empty()) from = just_after(page.kvs.back().key);
}

comparison::comparison(const mapping& keys, const segment& where, const std::string& from, bool keys_only)
    : mapping_(&keys), segment_(&where), keys_only_(keys_only), frontier_(from) {
    slave_.from = from;
    master_.from =
        from <= where.target.begin ? where.source.begin : config::map_key(from, where.keys.dest, where.keys.strip);
}

comparison::step comparison::next() {
    for (;;) {
        skip_foreign_to_rules();
        if (master_.needs_page()) return {outcome::need_master, {}, {}, nullptr, 0};
        if (slave_.needs_page()) return {outcome::need_slave, {}, {}, nullptr, 0};
        if (!master_.has_key() && !slave_.has_key()) return {outcome::done, {}, {}, nullptr, 0};
        if (slave_.has_key() && (!master_.has_key() || slave_.key().key < target_)) return pass_slave();
        if (!slave_.has_key() || slave_.key().key != target_) return pass_master(outcome::missing, 0);
        const bool same = keys_only_ || master_.key().value == slave_.key().value;
        const step both = pass_master(outcome::different, slave_.key().value.size());
        ++slave_.at;
        if (!same) return both;
    }
}

void comparison::skip_foreign_to_rules() {
    while (master_.has_key() && !mapping_->to_slave(*segment_, master_.key().key, target_)) ++master_.at;
    while (slave_.has_key() && !mapping_->to_master(*segment_, slave_.key().key, scratch_)) ++slave_.at;
}

comparison::step comparison::pass_slave() {
    const etcd::key_value& kv = slave_.key();
    ++slave_.at;
    pass(kv.key);
    return {outcome::slave_only, kv.key, {}, nullptr, kv.mod_revision, kv.value.size()};
}

comparison::step comparison::pass_master(outcome what, std::size_t slave_bytes) {
    const etcd::key_value& kv = master_.key();
    ++master_.at;
    ++compared_;
    newest_ = std::max(newest_, kv.mod_revision);
    pass(target_);
    return {what, target_, kv.value, master_.page.owner, 0, slave_bytes};
}

void comparison::pass(std::string_view slave_key) { frontier_.assign(slave_key).push_back('\0'); }

}  // namespace etcdsync::replication
