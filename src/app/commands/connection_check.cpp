// SPDX-License-Identifier: Apache-2.0
#include "app/commands/connection_check.hpp"

#include "etcd/txn.hpp"
#include "replication/mapping/queries.hpp"
#include "replication/setup/clusters.hpp"
#include "replication/status/context.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace etcdsync::app {
namespace {

using replication::permission;

/// Counts a running task; counts down when it ends, in any way.
class finishing {
public:
    finishing(std::size_t& left, aio::event& changed) : left_(&left), changed_(&changed) { ++left; }
    finishing(const finishing&) = delete;
    finishing(finishing&& other) noexcept : left_(std::exchange(other.left_, nullptr)), changed_(other.changed_) {}
    ~finishing() {
        if (left_ == nullptr) return;
        --*left_;
        changed_->notify();
    }

private:
    std::size_t* left_;
    aio::event* changed_;
};

aio::awaitable<> finish(finishing mark, aio::awaitable<> work) {
    const finishing until_here(std::move(mark));
    co_await std::move(work);
}

/// True: allowed; false: denied; an error: any other failure.
template <class T>
etcd::result<bool> verdict(const etcd::result<T>& answer) {
    if (answer) return true;
    if (etcd::is_permission_denied(answer.error())) return false;
    return answer.error();
}

aio::awaitable<etcd::result<bool>> may_read(etcd::kv& of, const keys::key_range& keys) {
    const etcd::range_query query = replication::probe_query(keys);
    const auto page = co_await of.range(query);
    co_return verdict(page);
}

/// `readable`: a key that may be read.
aio::awaitable<etcd::result<bool>> may_write(etcd::kv& of, const keys::key_range& keys, std::string readable) {
    const replication::wire_range wire(keys);
    const etcd::operation remove{etcd::event_type::remove, wire.key, {}, wire.range_end};
    const std::function<std::string()> encode = [&] { return etcd::encode_permission_probe(readable, remove); };
    const auto answer = co_await of.txn(encode);
    if (answer && answer->succeeded)
        co_return etcd::error(etcd::error_class::bad_peer,
                              of.peer().name() + ": a Txn succeeded whose condition cannot hold");
    co_return verdict(answer);
}

/// `readable` holds a key that may be read, and is empty as long as none is known.
aio::awaitable<etcd::result<permission_answer>> ask_one(etcd::kv& of, permission what, std::string& readable) {
    permission_answer out;
    const auto read = co_await may_read(of, what.keys);
    if (!read) co_return read.error();
    out.read = *read;
    const replication::wire_range wire(what.keys);
    if (out.read && readable.empty()) readable = wire.key;
    const std::string compared = out.read ? wire.key : readable;
    if (what.write && !compared.empty()) {
        const auto write = co_await may_write(of, what.keys, compared);
        if (!write) co_return write.error();
        out.write = *write;
    }
    out.of = std::move(what);
    co_return out;
}

}  // namespace

connection_check::connection_check(environment with, const config::config& settings)
    : env_(std::move(with)), settings_(settings),
      tasks_(env_.executor, [this](const std::string& task, const std::exception_ptr& error) {
          env_.on_bug(task + ": " + aio::describe(error));
      }) {}

aio::awaitable<std::optional<std::vector<cluster_report>>> connection_check::run() {
    std::vector<cluster_report> all(1 + settings_.slaves.size());
    tasks_.spawn("check master", finish(finishing(unfinished_, env_.signals.changed()), check_master(all.front())));
    for (std::size_t i = 0; i < settings_.slaves.size(); ++i) {
        const config::slave& slave = settings_.slaves[i];
        tasks_.spawn("check " + slave.name,
                     finish(finishing(unfinished_, env_.signals.changed()), check_slave(slave, all[i + 1])));
    }
    while (unfinished_ > 0 && !env_.signals.stop_requested()) co_await env_.signals.changed().wait();
    const bool complete = unfinished_ == 0;
    tasks_.cancel();
    co_await tasks_.join();
    if (!complete || env_.signals.stop_requested()) co_return std::nullopt;
    co_return all;
}

aio::awaitable<> connection_check::check_master(cluster_report& into) {
    into.is_master = true;
    const permissions needed = replication::needed_on_master(settings_, settings_.replicate.consistency);
    auto master = co_await find_usable(settings_.master, needed.front(), into);
    if (!master) co_return;
    co_await ask(*master, needed, into);
    if (into.permissions.empty() || into.permissions.front().good() ||
        into.permissions.front().of.of != permission::subject::all_rules)
        co_return;
    const permissions each = replication::needed_on_master(settings_, config::consistency_mode::rule);
    cluster_report of_rules;
    co_await ask(*master, each, of_rules);
    into.rule_mode_would_do = of_rules.how == outcome::good && code_for({of_rules}) == exit_code::ok;
}

aio::awaitable<> connection_check::check_slave(const config::slave& slave, cluster_report& into) {
    into.name = slave.name;
    const permissions needed = replication::needed_on_slave(settings_, slave);
    auto usable = co_await find_usable(slave, needed.front(), into);
    if (usable) co_await ask(*usable, needed, into);
}

aio::awaitable<std::optional<etcd::kv>> connection_check::find_usable(const config::cluster& where,
                                                                      const permission& first, cluster_report& into) {
    into.user = where.auth.user;
    into.certificate = where.tls.cert;
    etcd::cluster_options options =
        replication::cluster_options_for(where, settings_.replicate, env_.clock, env_.executor, env_.files, env_.log);
    const std::vector<net::endpoint> endpoints = std::exchange(options.endpoints, {});
    const etcd::range_query probe = replication::probe_query(first.keys);
    std::optional<etcd::kv> found;
    for (const net::endpoint& endpoint : endpoints) {
        etcd::cluster_options only = options;
        only.endpoints.push_back(endpoint);
        endpoint_answer& answer = into.endpoints.emplace_back();
        answer.url = endpoint.url;
        auto usable = co_await try_endpoint(std::move(only), probe, answer);
        if (usable && !found) {
            found = std::move(usable);
        } else if (usable) {
            usable->close();
        }
    }
    check_membership(into.endpoints);
    co_return found;
}

aio::awaitable<std::optional<etcd::kv>> connection_check::try_endpoint(etcd::cluster_options only,
                                                                       etcd::range_query probe, endpoint_answer& into) {
    const std::shared_ptr<const etcd::authenticator> user = only.auth;
    etcd::cluster member(env_.dialer, env_.clock, tasks_, std::move(only));
    const net::channel_options options;
    const auto channel = co_await member.connect(options);
    std::optional<etcd::error> failed;
    if (!channel) {
        failed = channel.error();
    } else {
        etcd::kv usable(*channel, env_.clock, member.request_timeout());
        const auto page = co_await usable.range(std::move(probe));
        if (page) into.cluster_id = page->header.cluster_id;
        into.auth_disabled = user != nullptr && user->generation() != 0 && user->token().empty();
        // A key that may not be read is no fault of the member: it answered as one that works.
        if (verdict(page)) co_return usable;
        failed = page.error();
        usable.close();
    }
    into.how = outcome_of(failed->cls);
    into.cause = failed->text;
    co_return std::nullopt;
}

aio::awaitable<> connection_check::ask(etcd::kv& of, const permissions& needed, cluster_report& into) {
    std::string readable;
    for (const permission& what : needed) {
        const auto answer = co_await ask_one(of, what, readable);
        if (!answer) {
            into.how = outcome_of(answer.error().cls);
            into.cause = answer.error().text;
            co_return;
        }
        into.permissions.push_back(*answer);
    }
}

}  // namespace etcdsync::app
