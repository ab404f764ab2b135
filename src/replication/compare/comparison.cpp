// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/comparison.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// The smallest key above `key`.
std::string just_after(std::string_view key) { return std::string(key).append(1, '\0'); }

}  // namespace

void comparison::cursor::add(etcd::range_page next_page) {
    page = std::move(next_page);
    at = 0;
    ended = !page.more;
    if (!page.kvs.empty()) from = just_after(page.kvs.back().key);
}

comparison::comparison(const mapping& keys, const segment& where, const std::string& from, bool keys_only)
    : mapping_(&keys), segment_(&where), keys_only_(keys_only), on_slave_(keys.rules()), frontier_(from) {
    slave_.from = from;
    master_.from =
        from <= where.target.begin ? where.source.begin : keys::map_key(from, where.keys.dest, where.keys.strip);
}

comparison::step comparison::need(step_kind what) {
    step out;
    out.what = what;
    return out;
}

comparison::step comparison::next() {
    for (;;) {
        skip_unselected();
        if (master_.needs_page()) return need(step_kind::need_master);
        if (slave_.needs_page()) return need(step_kind::need_slave);
        if (!master_.has_key() && !slave_.has_key()) return need(step_kind::done);
        if (slave_.has_key() && (!master_.has_key() || slave_.key().key < target_)) return pass_slave();
        if (!slave_.has_key() || slave_.key().key != target_) return pass_master(step_kind::missing);
        const std::string_view old = slave_.key().value;
        const bool same = keys_only_ || master_.key().value == old;
        ++slave_.at;
        ++on_slave_[slave_rule_];
        step both = pass_master(step_kind::different);
        both.old_size = old.size();
        if (!same) return both;
    }
}

void comparison::skip_unselected() {
    for (; master_.has_key(); ++master_.at) {
        const auto rule = mapping_->to_slave(*segment_, master_.key().key, target_);
        if (rule) {
            master_rule_ = *rule;
            break;
        }
    }
    for (; slave_.has_key(); ++slave_.at) {
        const auto rule = mapping_->to_master(*segment_, slave_.key().key, scratch_);
        if (rule) {
            slave_rule_ = *rule;
            break;
        }
    }
}

comparison::step comparison::pass_slave() {
    const etcd::key_value& kv = slave_.key();
    ++slave_.at;
    ++on_slave_[slave_rule_];
    pass(kv.key);
    step out = need(step_kind::slave_only);
    out.key = kv.key;
    out.mod_revision = kv.mod_revision;
    out.rule = slave_rule_;
    return out;
}

comparison::step comparison::pass_master(step_kind what) {
    const etcd::key_value& kv = master_.key();
    ++master_.at;
    ++compared_;
    newest_ = std::max(newest_, kv.mod_revision);
    pass(target_);
    step out = need(what);
    out.key = target_;
    out.value = kv.value;
    out.owner = master_.page.owner;
    out.mod_revision = kv.mod_revision;
    out.rule = master_rule_;
    return out;
}

void comparison::pass(std::string_view slave_key) { frontier_.assign(slave_key).push_back('\0'); }

}  // namespace etcdsync::replication
