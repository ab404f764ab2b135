// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aio/clock.hpp"
#include "base/process_table.hpp"
#include "etcd/wire.hpp"
#include "replication/link/revision_times.hpp"
#include "replication/record/leader_record.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace etcdsync::replication {

using etcd::revision;

/// The TTL of the leader key's lease.
inline constexpr std::chrono::seconds leader_lease{10};
/// For how long the positions on a slave must be unchanged before a process may lead that does not know how long ago the previous
/// leader was alive.
inline constexpr std::chrono::seconds quiet_time{10};
/// The same for a process that has seen the key of that leader vanish: it was not renewed for 10 s before. A leader that is alive
/// puts its key again at once, and one that writes has time to do so.
inline constexpr std::chrono::milliseconds settle_time{500};
/// For how long the slave is kept for another configuration that led it: longer than a restart takes.
inline constexpr std::chrono::seconds conflict_time{20};
/// For how long a process leads without a connection to its master.
inline constexpr std::chrono::seconds give_way_after{30};

/// What a linearizable read of the leader key returned.
struct leader_view {
    aio::clock::time_point asked;     ///< when the read was sent
    aio::clock::time_point answered;  ///< when it was answered
    revision store_revision = 0;      ///< of the slave
    bool exists = false;              ///< there is a leader key,
    std::string value;                ///< its value,
    revision mod_revision = 0;        ///< and the revision that wrote it
};

/// What a linearizable read of the positions on the slave returned, after the read of the leader key.
struct position_view {
    aio::clock::time_point asked;
    revision newest = 0;  ///< the highest mod_revision of them; 0: there are none
    /// Who wrote them. A process that ends orderly leaves its positions without a writer.
    enum class writers : std::uint8_t { none, this_process, others } by = writers::none;
};

/// Whether a process leads a slave, and if not, why.
struct standing {
    bool leads = false;          ///< it may write to the slave
    bool without_key = false;    ///< it leads, but may not use the leader key, so no other process stands by
    bool another_leads = false;  ///< another process leads
    bool in_conflict = false;    ///< that one has another master or other rules, so this one is not its standby
    /// No process leads, but one that did not stop cleanly may still write: for how long it must write nothing from now on.
    std::optional<aio::clock::duration> quiet_left;
    std::string reason;  ///< why this process does not lead, in words
};

/// Decides whether this process leads a slave, that is, may write to it (design.md section 6, Link
/// 3). The leader key is only a sign of life. What keeps two processes from writing is that each Txn
/// compares the position. Pure.
class leadership {
public:
    /// `self` lacks `since` and `cluster_id`. Without `processes`, nothing is known about other
    /// processes of this host.
    leadership(leader_record self, const base::process_table* processes);

    enum class step : std::uint8_t {
        stand_by,        ///< another process leads, or may lead: read the key again later
        read_positions,  ///< decide again with a view of the positions
        put,             ///< put the key if it is absent
        replace,         ///< put the key if it is still as read
        lead,            ///< the key is ours
        give_way,        ///< revoke the lease
    };

    /// `ready`: a link of the slave is not paused, and its master is connected.
    void note_master(bool ready, std::uint64_t cluster_id, aio::clock::time_point now);
    /// Paused or held: it keeps the lease even without a master.
    void note_waits_for_operator(bool waits, aio::clock::time_point now);

    /// Decides what to do next. `has_lease`: this process holds a lease that, as far as it knows,
    /// the leader key is attached to.
    [[nodiscard]] step decide(const leader_view& seen, bool has_lease, const position_view* positions = nullptr);

    /// The put succeeded.
    void note_put();
    /// The slave does not let this process use the leader key, or does not renew leases. It works without: other processes
    /// then do not stand by.
    void note_refused();
    /// The lease was revoked, by give_way.
    void note_given_way() { set_leads(false); }

    [[nodiscard]] const standing& now() const { return now_; }
    /// How often this process began to lead.
    [[nodiscard]] std::uint64_t terms() const { return terms_; }

    /// When step give_way is due if nothing changes.
    [[nodiscard]] std::optional<aio::clock::time_point> gives_way_at() const;
    [[nodiscard]] bool must_give_way(aio::clock::time_point now) const;

    /// The leader is a process of our pid namespace, so leader_has_died() says whether it runs.
    [[nodiscard]] bool leader_is_near() const { return holder_ && is_near(*holder_); }
    [[nodiscard]] bool leader_has_died() const { return holder_ && is_gone(*holder_); }

    /// The value to put, `since` from now on.
    [[nodiscard]] std::string value(std::string since) const;

private:
    step decide_about(const leader_record* holder);
    step decide_without_leader(const position_view* positions, aio::clock::time_point now);
    /// After another configuration led here: how long it has to start again before this process takes the slave.
    [[nodiscard]] std::optional<aio::clock::duration> owed_to_conflict(aio::clock::time_point now) const;
    [[nodiscard]] bool is_near(const leader_record& holder) const;
    [[nodiscard]] bool is_gone(const leader_record& holder) const;
    [[nodiscard]] bool is_in_conflict(const leader_record& holder) const;
    [[nodiscard]] std::string described(const leader_record& holder) const;
    void set_leads(bool leads);

    leader_record self_;
    const base::process_table* processes_;
    revision_times times_{2 * quiet_time};
    std::optional<leader_record> holder_;  ///< another process, which leads
    bool saw_leader_ = false;              ///< another process has led since this one did last
    std::optional<aio::clock::time_point> conflict_seen_;
    std::string replacing_;           ///< the writer whose process is gone, while its key is replaced
    std::set<std::string> replaced_;  ///< writers whose keys were
    bool ready_ = false;              ///< connected to the master, and its history is proven
    std::optional<aio::clock::time_point> master_lost_;
    bool keeps_lease_ = false;
    standing now_;
    std::uint64_t terms_ = 0;
};

}  // namespace etcdsync::replication
