// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/setup/link_builder.hpp"
#include "replication/setup/reconfiguration.hpp"
#include "replication/setup/running.hpp"

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace etcdsync::replication {

/// The feeds and links of a replicator: adds those a configuration needs, and takes out those it does not need any more.
class link_table {
public:
    /// `env` outlives this.
    link_table(const environment& env, const job& what) : clock_(env.clock), builder_(env, what) {}

    /// Builds the feeds and links that `settings` needs and that are not there, and starts them if start() was called.
    void build(std::shared_ptr<const config::config> settings, const reconfiguration& changes);

    /// Takes out what cannot stay under `next`, and requests it to stop; pauses what is to pause. join_leaving() ends it.
    void take_out(const config::config& next, const reconfiguration& changes);

    void start();

    /// Lets Txns in flight finish, for `patience` at most, releases checkpoints and leader keys, then ends the tasks of what was
    /// taken out. The links that build() makes
    /// for the same slaves take over what an operator requested: a pause, and a full sync that has not begun.
    aio::awaitable<> join_leaving(aio::clock::duration patience);

    /// The same for everything. The links and feeds stay, for their last status.
    aio::awaitable<> join_all(aio::clock::duration patience);

    /// No link starts a new Txn from now on.
    void stop_links();

    /// One, or in consistency = "rule" one per rule; also those that are leaving. Valid until the next await.
    [[nodiscard]] std::vector<link*> links_of(std::string_view slave) const;

    [[nodiscard]] const std::shared_ptr<const config::config>& settings() const { return builder_.settings(); }
    /// Those that are leaving included; links in the order of the configuration. Valid until the next await.
    [[nodiscard]] std::vector<const feed*> feeds() const;
    [[nodiscard]] std::vector<const link*> links() const;

private:
    running_feed& find_or_add_feed(const feed_plan& plan, std::size_t log_bytes);
    void add_link(const link_plan& plan, const std::string& rule, feed& source);
    leader* find_or_add_leader(const link_plan& plan);
    void note_requests_of_leaving();
    /// Where it stands in the configuration.
    [[nodiscard]] std::pair<std::size_t, std::size_t> place_of(const link_status& one) const;

    aio::clock& clock_;
    link_builder builder_;
    bool started_ = false;
    std::vector<std::unique_ptr<running_feed>> feeds_;
    std::vector<std::unique_ptr<running_leader>> leaders_;  ///< one per slave; outlive its links
    std::vector<std::unique_ptr<running_link>> links_;
    std::vector<std::unique_ptr<running_feed>> leaving_feeds_;
    std::vector<std::unique_ptr<running_leader>> leaving_leaders_;
    std::vector<std::unique_ptr<running_link>> leaving_links_;
    std::set<std::string> paused_;         ///< slaves whose links had left paused, until build()
    std::set<std::string> owe_full_sync_;  ///< slaves whose links had left with a full sync to do, until build()
};

}  // namespace etcdsync::replication
