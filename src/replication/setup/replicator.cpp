// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/replicator.hpp"

#include "aio/event.hpp"
#include "replication/setup/link_table.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace etcdsync::replication {
namespace {

/// "Known up to" and "connected" of all feeds.
master_status least(const std::vector<const feed*>& feeds) {
    if (feeds.empty()) return {};
    master_status out = feeds.front()->current();
    for (const feed* source : feeds) {
        master_status one = source->current();
        const auto known = std::min(out.known, one.known);
        if (out.connected && !one.connected) out = std::move(one);
        out.known = known;
    }
    return out;
}

/// Marks a change as in progress while it exists, and notifies those who wait at its end.
class change_scope {
public:
    change_scope(bool& in_progress, aio::event& ended) : in_progress_(&in_progress), ended_(&ended) {
        in_progress = true;
    }
    change_scope(const change_scope&) = delete;
    change_scope& operator=(const change_scope&) = delete;
    ~change_scope() {
        *in_progress_ = false;
        ended_->notify();
    }

private:
    bool* in_progress_;
    aio::event* ended_;
};

}  // namespace

struct replicator::impl {
    impl(environment with, const job& what) : env(std::move(with)), table(env, what), changed(env.executor) {}

    environment env;
    link_table table;
    aio::event changed;
    bool applying = false;
    unsigned requested = 0;  ///< calls of apply()
    bool stopping = false;
};

replicator::replicator(const config::config& settings, environment with, const job& what)
    : impl_(std::make_unique<impl>(std::move(with), what)) {
    impl_->table.build(std::make_shared<const config::config>(settings), {});
}

replicator::~replicator() = default;

void replicator::start() { impl_->table.start(); }

aio::awaitable<bool> replicator::apply(std::shared_ptr<const config::config> settings, aio::clock::duration patience) {
    impl& all = *impl_;
    const unsigned number = ++all.requested;
    while (all.applying && !all.stopping) co_await all.changed.wait();
    if (all.stopping || number != all.requested) co_return false;
    const change_scope scope(all.applying, all.changed);
    const reconfiguration changes = plan_changes(*all.table.settings(), *settings);
    all.table.take_out(*settings, changes);
    co_await all.table.join_leaving(patience);
    if (all.stopping) co_return false;
    all.table.build(std::move(settings), changes);
    all.env.log.info("applied the configuration", {{"kept", changes.kept.size()},
                                                   {"rebuilt", changes.rebuilt.size()},
                                                   {"added", changes.added.size()},
                                                   {"removed", changes.removed.size()}});
    co_return true;
}

aio::awaitable<> replicator::stop(aio::clock::duration patience) {
    impl& all = *impl_;
    const auto until = all.env.clock.now() + patience;
    all.stopping = true;
    all.table.stop_links();
    all.changed.notify();
    while (all.applying) co_await all.changed.wait();
    co_await all.table.join_all(until - all.env.clock.now());
}

bool replicator::pause(std::string_view slave) {
    const std::vector<link*> all = impl_->table.links_of(slave);
    for (link* one : all) one->pause();
    return !all.empty();
}

bool replicator::resume(std::string_view slave) {
    const std::vector<link*> all = impl_->table.links_of(slave);
    for (link* one : all) one->resume();
    return !all.empty();
}

bool replicator::resync(std::string_view slave) {
    const std::vector<link*> all = impl_->table.links_of(slave);
    for (link* one : all) one->resync();
    return !all.empty();
}

bool replicator::approve(std::string_view slave, bool foreign) {
    bool approved = false;
    for (link* one : impl_->table.links_of(slave)) approved = one->approve(foreign) || approved;
    return approved;
}

status replicator::current() const {
    status out;
    const std::vector<const feed*> feeds = impl_->table.feeds();
    out.master = least(feeds);
    out.master_serves = std::ranges::any_of(feeds, [](const feed* source) { return source->connected(); });
    for (const link* one : impl_->table.links()) {
        out.links.push_back(one->current());
        out.links.back().known = one->source().recent().position();
    }
    return out;
}

bool replicator::finished() const {
    return std::ranges::all_of(impl_->table.links(), [](const link* one) { return one->current().finished; });
}

}  // namespace etcdsync::replication
