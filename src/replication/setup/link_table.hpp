// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.hpp"
#include "replication/setup/link_builder.hpp"
#include "replication/setup/reconfiguration.hpp"
#include "replication/setup/running.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::replication {

/// The feeds and links of a replicator: adds those a configuration needs, and takes out those it does not need any more.
class link_table {
public:
    /// `env` outlives this.
    link_table(const environment& env, const job& what) : clock_(env.clock), builder_(env, what) {}

    /// Builds the feeds and links that `settings` needs and that are not there, and starts them if start() was called.
    void build(std::shared_ptr<const config::config> settings, const reconfiguration& changes);

    /// Takes out what cannot stay under `next`, and asks it to stop. join_leaving() ends it.
    void take_out(const config::config& next, const reconfiguration& changes);

    void start();

    /// Lets Txns in flight finish, for `patience` at most, then ends the tasks of what was taken out.
    aio::awaitable<> join_leaving(aio::clock::duration patience);

    /// The same for everything. The links and feeds stay, for their last status.
    aio::awaitable<> join_all(aio::clock::duration patience);

    /// No link starts a new Txn from now on.
    void stop_links();

    /// One, or in consistency = "rule" one per rule. Valid until the next await.
    [[nodiscard]] std::vector<link*> links_of(std::string_view slave) const;

    [[nodiscard]] const std::shared_ptr<const config::config>& settings() const { return builder_.settings(); }
    [[nodiscard]] const std::vector<std::unique_ptr<running_feed>>& feeds() const { return feeds_; }
    [[nodiscard]] const std::vector<std::unique_ptr<running_link>>& links() const { return links_; }

private:
    running_feed& find_or_add_feed(const feed_plan& plan, std::size_t log_bytes);
    void add_link(const link_plan& plan, const std::string& rule, feed& source);
    void sort();

    aio::clock& clock_;
    link_builder builder_;
    bool started_ = false;
    std::vector<std::unique_ptr<running_feed>> feeds_;
    std::vector<std::unique_ptr<running_link>> links_;
    std::vector<std::unique_ptr<running_feed>> leaving_feeds_;
    std::vector<std::unique_ptr<running_link>> leaving_links_;
};

}  // namespace etcdsync::replication
