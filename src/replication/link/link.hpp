// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/backoff.hpp"
#include "etcd/cluster.hpp"
#include "replication/link/session.hpp"
#include "replication/record/proof.hpp"
#include "replication/record/start_plan.hpp"

#include <optional>
#include <string>

namespace etcdsync::replication {

/// Windows for a Txn at a time, and for single keys.
[[nodiscard]] net::channel_options slave_connection();

/// What a link is for.
struct link_settings {
    std::string slave;
    std::string rule;  ///< the one it is for; empty: for all of the slave
    std::string instance;
    std::string checkpoint_key;
    const record_set* records = nullptr;  ///< all of the slave, of which the key above is one; outlives the link
    std::string endpoints;                ///< for messages
    txn_limits limits;
    std::size_t page_bytes = 1U << 20;
    guard_policy guards;
    bool once = false;  ///< a full sync, then it ends
};

/// The pipeline to one slave, or in consistency = "rule" to one slave for one rule. It connects, takes up where the checkpoint
/// says, works until something breaks, and tries again, for ever. Nothing it meets concerns another link.
class link {
public:
    link(const context& with, link_settings settings, mapping keys, etcd::cluster slave, etcd::cluster master,
         feed& source, permits& free);

    /// Ends after stop(), by cancellation, or once what is to be done once is done or has failed.
    aio::awaitable<> run();

    /// No new Txn is begun from now on.
    void stop();
    [[nodiscard]] bool txn_in_flight() const { return writer_ != nullptr && writer_->in_flight(); }

    [[nodiscard]] const link_status& current() const { return report_.status(); }
    [[nodiscard]] const feed& source() const { return *source_; }

private:
    aio::awaitable<step_result> serve();
    aio::awaitable<step_result> settle_records(slave_writer& slave);
    aio::awaitable<step_result> work(slave_writer& slave);
    aio::awaitable<step_result> move(session& work);
    aio::awaitable<step_result> claim_as_it_is(slave_writer& slave, checkpoint record);
    aio::awaitable<> let_go(slave_writer& slave);
    aio::awaitable<> wait_for_master(const slave_writer& slave);
    aio::awaitable<step_result> master_failed(etcd::error why);
    [[nodiscard]] bool master_ready() const;
    /// Of a job done once: why there is nothing to wait for.
    [[nodiscard]] std::optional<etcd::error> refused_by_master() const;
    aio::awaitable<etcd::result<proof>> prove(checkpoint record);
    aio::awaitable<step_result> hold(std::string why);
    aio::awaitable<etcd::result<bool>> is_the_master(slave_writer& slave);
    aio::awaitable<etcd::result<bool>> moves_with(etcd::kv& master, slave_writer& slave);
    aio::awaitable<step_result> wait_for_a_person(slave_writer& slave, std::string why);
    aio::awaitable<step_result> begin_at(slave_writer& slave, start_plan plan, const guard_policy& guards);
    [[nodiscard]] bool rival_at_work(const checkpoint& stored);
    [[nodiscard]] bool gives_up();
    aio::awaitable<> pause(std::chrono::milliseconds how_long);

    const context* context_;
    link_settings settings_;
    mapping keys_;
    etcd::cluster slave_;
    etcd::cluster master_;
    feed* source_;
    permits* full_sync_permits_;
    reporter report_;
    base::backoff pauses_;         ///< between attempts on the slave
    base::backoff master_pauses_;  ///< between attempts on the master
    aio::event wake_;
    slave_writer* writer_ = nullptr;  ///< while connected
    struct rival {
        std::string writer;
        std::uint64_t seq = 0;
        aio::clock::time_point last_sign;
    };
    rival rival_;                        ///< another process that wrote here after our claim
    std::uint64_t last_seq_ = 0;         ///< of the last record we wrote; 0: none was
    bool contested_ = false;             ///< somebody else wrote the record while we were about to claim it
    std::uint64_t seen_violations_ = 0;  ///< of the feed, answered by a compare
    bool same_ids_ = false;      ///< slave and master say that they are the same cluster; two default etcds do, too
    bool same_store_ = false;    ///< and they are
    bool begun_ = false;         ///< of a job done once: the full sync was begun
    unsigned failures_ = 0;      ///< of it, in a row
    std::uint64_t trusted_ = 0;  ///< feed::continuity() when the master was last known to be the one the slave follows
    bool told_of_blindness_ = false;
    bool better_endpoint_ = false;  ///< of the slave, than the one in use
    bool stopping_ = false;
};

}  // namespace etcdsync::replication
