// SPDX-License-Identifier: Apache-2.0
#include "replication/setup/link_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Moves what `leaves` from one list to the end of another.
template <class T, class Leaves>
void move_out(std::vector<std::unique_ptr<T>>& from, std::vector<std::unique_ptr<T>>& to, Leaves leaves) {
    const auto first =
        std::stable_partition(from.begin(), from.end(), [&](const std::unique_ptr<T>& one) { return !leaves(*one); });
    std::move(first, from.end(), std::back_inserter(to));
    from.erase(first, from.end());
}

bool txn_in_flight(const std::vector<std::unique_ptr<running_link>>& links) {
    return std::ranges::any_of(links, [](const auto& link) { return link->work.txn_in_flight(); });
}

/// For lists that the caller keeps while it waits.
template <class T>
aio::awaitable<> join_each(const std::vector<std::unique_ptr<T>>& all) {
    for (const auto& one : all) one->own.tasks.cancel();
    for (std::size_t i = 0; i < all.size(); ++i) co_await all[i]->own.tasks.join();
}

constexpr std::chrono::milliseconds look_every{5};
/// For what only makes the next process start sooner.
constexpr std::chrono::seconds patience_with_release{1};

/// Waits for Txns in flight, and shortly for links that still clear the writer of their checkpoint.
aio::awaitable<> wait_for_links(aio::clock& clock, const std::vector<std::unique_ptr<running_link>>& links,
                                aio::clock::time_point until) {
    const auto until_released = std::min(until, clock.now() + patience_with_release);
    while (clock.now() < until) {
        const bool releasing = clock.now() < until_released && std::ranges::any_of(links, [](const auto& link) {
                                   return link->work.holds_checkpoint();
                               });
        if (!releasing && !txn_in_flight(links)) co_return;
        co_await aio::sleep(clock, look_every);
    }
}

/// Lets leaders revoke their leases, after their links have ended.
aio::awaitable<> stop_leaders(aio::clock& clock, const std::vector<std::unique_ptr<running_leader>>& leaders,
                              aio::clock::time_point until) {
    until = std::min(until, clock.now() + patience_with_release);
    if (clock.now() >= until) co_return;
    for (const auto& one : leaders) one->work.stop();
    const auto ended = [](const auto& one) { return one->work.ended(); };
    while (!std::ranges::all_of(leaders, ended) && clock.now() < until) co_await aio::sleep(clock, look_every);
}

}  // namespace

void link_table::build(std::shared_ptr<const config::config> settings, const reconfiguration& changes) {
    const std::vector<feed_plan> plans = plan_feeds(*settings);
    const std::size_t log_bytes = log_bytes_per_feed(settings->replicate, plans.size());
    builder_.use(std::move(settings), changes.rebuild_all);
    for (const feed_plan& plan : plans) {
        feed& source = find_or_add_feed(plan, log_bytes).source;
        source.set_log_limit(log_bytes);
        if (changes.reselect.contains(plan.rule)) source.select(plan.cover(), plan.selector());
        for (const link_plan& link : plan.links) add_link(link, plan.rule, source);
    }
    for (const std::string& slave : paused_) {
        for (link* one : links_of(slave)) one->pause();
    }
    for (const std::string& slave : owe_full_sync_) {
        for (link* one : links_of(slave)) one->resync();
    }
    paused_.clear();
    owe_full_sync_.clear();
    // The file comes last: a change of `paused` there is newer than what an operator requested.
    for (const std::string& slave : changes.paused) {
        for (link* one : links_of(slave)) one->pause();
    }
    for (const std::string& slave : changes.resumed) {
        for (link* one : links_of(slave)) one->resume();
    }
}

std::vector<link*> link_table::links_of(std::string_view slave) const {
    std::vector<link*> out;
    for (const auto* const list : {&links_, &leaving_links_}) {
        for (const auto& one : *list) {
            if (one->work.current().slave == slave) out.push_back(&one->work);
        }
    }
    return out;
}

running_feed& link_table::find_or_add_feed(const feed_plan& plan, std::size_t log_bytes) {
    for (const auto& feed : feeds_) {
        if (feed->rule == plan.rule) return *feed;
    }
    feeds_.push_back(builder_.build_feed(plan, log_bytes));
    running_feed& built = *feeds_.back();
    if (started_) built.own.tasks.spawn("run", built.source.run());
    return built;
}

leader* link_table::find_or_add_leader(const link_plan& plan) {
    for (const auto& one : leaders_) {
        if (one->slave == plan.slave) return &one->work;
    }
    auto built = builder_.build_leader(plan);
    if (!built) return nullptr;
    leaders_.push_back(std::move(built));
    if (started_) leaders_.back()->own.tasks.spawn("run", leaders_.back()->work.run());
    return &leaders_.back()->work;
}

void link_table::add_link(const link_plan& plan, const std::string& rule, feed& source) {
    const bool there = std::ranges::any_of(links_, [&](const auto& link) {
        const link_status& now = link->work.current();
        return now.slave == plan.slave && now.rule == rule;
    });
    if (there) return;
    links_.push_back(builder_.build_link(plan, rule, source, find_or_add_leader(plan)));
    if (started_) links_.back()->own.tasks.spawn("run", links_.back()->work.run());
}

std::pair<std::size_t, std::size_t> link_table::place_of(const link_status& one) const {
    const config::config& all = *settings();
    const auto slave = std::ranges::find(all.slaves, one.slave, &config::slave::name) - all.slaves.begin();
    const auto rule = std::ranges::find(all.rules, one.rule, &config::rule::name) - all.rules.begin();
    return {static_cast<std::size_t>(slave), static_cast<std::size_t>(rule)};
}

void link_table::take_out(const config::config& next, const reconfiguration& changes) {
    const std::vector<feed_plan> plans = plan_feeds(next);
    move_out(links_, leaving_links_,
             [&](const running_link& one) { return !changes.kept.contains(one.work.current().slave); });
    move_out(leaders_, leaving_leaders_, [&](const running_leader& one) { return !changes.kept.contains(one.slave); });
    move_out(feeds_, leaving_feeds_, [&](const running_feed& one) {
        return changes.rebuild_all || std::ranges::find(plans, one.rule, &feed_plan::rule) == plans.end();
    });
    builder_.keep_slaves(changes.kept);
    for (const auto& link : leaving_links_) link->work.stop();
    for (const std::string& slave : changes.paused) {
        for (link* one : links_of(slave)) one->pause();
    }
}

void link_table::start() {
    started_ = true;
    for (const auto& feed : feeds_) feed->own.tasks.spawn("run", feed->source.run());
    for (const auto& one : leaders_) one->own.tasks.spawn("run", one->work.run());
    for (const auto& link : links_) link->own.tasks.spawn("run", link->work.run());
}

void link_table::stop_links() {
    for (const auto& link : links_) link->work.stop();
}

aio::awaitable<> link_table::join_leaving(aio::clock::duration patience) {
    const auto until = clock_.now() + patience;
    co_await wait_for_links(clock_, leaving_links_, until);
    co_await join_each(leaving_links_);
    co_await stop_leaders(clock_, leaving_leaders_, until);
    co_await join_each(leaving_leaders_);
    co_await join_each(leaving_feeds_);  // links read from them to the last
    note_requests_of_leaving();
    leaving_links_.clear();
    leaving_leaders_.clear();
    leaving_feeds_.clear();
}

void link_table::note_requests_of_leaving() {
    for (const auto& one : leaving_links_) {
        const std::string& slave = one->work.current().slave;
        if (one->work.is_paused()) paused_.insert(slave);
        if (one->work.owes_full_sync()) owe_full_sync_.insert(slave);
    }
}

std::vector<const feed*> link_table::feeds() const {
    std::vector<const feed*> out;
    for (const auto* const list : {&feeds_, &leaving_feeds_}) {
        for (const auto& one : *list) out.push_back(&one->source);
    }
    return out;
}

std::vector<const link*> link_table::links() const {
    std::vector<const link*> out;
    for (const auto* const list : {&links_, &leaving_links_}) {
        for (const auto& one : *list) out.push_back(&one->work);
    }
    std::ranges::sort(out, {}, [this](const link* one) { return place_of(one->current()); });
    return out;
}

aio::awaitable<> link_table::join_all(aio::clock::duration patience) {
    const auto until = clock_.now() + patience;
    co_await wait_for_links(clock_, links_, until);
    co_await join_leaving(until - clock_.now());
    co_await join_each(links_);
    co_await stop_leaders(clock_, leaders_, until);
    co_await join_each(leaders_);
    co_await join_each(feeds_);
}

}  // namespace etcdsync::replication
