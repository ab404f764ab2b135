// SPDX-License-Identifier: Apache-2.0
#include "replication/link/leadership.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace etcdsync::replication {

leadership::leadership(leader_record self, const base::process_table* processes)
    : self_(std::move(self)), processes_(processes) {
    if (processes_ != nullptr) self_.process = processes_->self();
}

void leadership::note_master(bool ready, std::uint64_t cluster_id, aio::clock::time_point now) {
    ready_ = ready;
    if (ready) {
        self_.cluster_id = cluster_id;
        master_lost_.reset();
    } else if (!master_lost_) {
        master_lost_ = now;
    }
}

void leadership::note_waits_for_operator(bool waits, aio::clock::time_point now) {
    // From now on it has time again to find its master.
    if (keeps_lease_ && !waits && master_lost_) master_lost_ = now;
    keeps_lease_ = waits;
}

std::optional<aio::clock::time_point> leadership::gives_way_at() const {
    if (!now_.leads || now_.without_key || keeps_lease_ || !master_lost_) return std::nullopt;
    return *master_lost_ + give_way_after;
}

bool leadership::must_give_way(aio::clock::time_point now) const {
    const auto due = gives_way_at();
    return due && now >= *due;
}

leadership::step leadership::decide(const leader_view& seen, bool has_lease, const position_view* positions) {
    if (!times_.note(seen.store_revision, seen.answered)) saw_leader_ = false;
    holder_.reset();
    replacing_.clear();
    now_.another_leads = false;
    now_.in_conflict = false;
    now_.quiet_left.reset();
    if (!seen.exists) {
        if (must_give_way(seen.answered)) return step::give_way;
        return decide_without_leader(positions, seen.answered);
    }
    const auto holder = parse_leader_record(seen.value);
    if (!holder || holder->writer != self_.writer) {
        const step next = decide_about(holder ? &*holder : nullptr);
        if (now_.in_conflict) conflict_seen_ = seen.answered;
        return next;
    }
    if (must_give_way(seen.answered)) return step::give_way;
    if (!now_.leads && !ready_) {  // put by a request that was not answered
        now_.reason = "waiting for the master";
        return has_lease ? step::give_way : step::stand_by;
    }
    // A key of ours whose lease was lost would vanish at any time.
    if (!has_lease) return step::replace;
    // The master was replaced meanwhile: what stands there would be a conflict for the others.
    if (ready_ && is_in_conflict(*holder)) return step::replace;
    now_.without_key = false;
    set_leads(true);
    return step::lead;
}

leadership::step leadership::decide_about(const leader_record* holder) {
    set_leads(false);
    saw_leader_ = true;
    if (holder != nullptr && is_gone(*holder)) {
        replacing_ = holder->writer;
        if (ready_) return step::replace;
        now_.reason = "waiting for the master";
        return step::stand_by;
    }
    now_.another_leads = true;
    if (holder != nullptr) holder_ = *holder;
    now_.in_conflict = holder != nullptr && is_in_conflict(*holder);
    now_.reason = holder == nullptr ? "the leader key is not readable: another version of etcd-sync may have written it"
                                    : described(*holder);
    return step::stand_by;
}

std::optional<aio::clock::duration> leadership::owed_to_conflict(aio::clock::time_point now) const {
    if (!conflict_seen_ || now >= *conflict_seen_ + conflict_time) return std::nullopt;
    return *conflict_seen_ + conflict_time - now;
}

leadership::step leadership::decide_without_leader(const position_view* positions, aio::clock::time_point now) {
    if (now_.leads) {
        // It could not be put before; or it vanished, and perhaps another process has led and ended meanwhile.
        if (now_.without_key) return step::put;
        if (positions == nullptr) return step::read_positions;
        if (positions->by != position_view::writers::others) return step::put;
        set_leads(false);
    }
    if (const auto left = owed_to_conflict(now)) {
        now_.quiet_left = left;
        now_.reason =
            fmt::format("another configuration used this instance name on this slave: waiting {} for it to start again",
                        base::format_duration(std::chrono::ceil<std::chrono::seconds>(*left)));
        return step::stand_by;
    }
    if (!ready_) {
        now_.reason = "waiting for the master";
        return step::stand_by;
    }
    if (positions == nullptr) return step::read_positions;
    if (positions->by != position_view::writers::others) return step::put;
    const auto since = times_.known_since(positions->newest);
    const auto quiet = since ? positions->asked - *since : aio::clock::duration::zero();
    const aio::clock::duration needed = saw_leader_ ? aio::clock::duration(settle_time) : quiet_time;
    if (quiet >= needed) return step::put;
    const auto left = needed - quiet;
    now_.quiet_left = left;
    now_.reason = fmt::format("the previous etcd-sync did not stop cleanly: waiting {} for it to write again",
                              base::format_duration(std::chrono::ceil<std::chrono::seconds>(left)));
    return step::stand_by;
}

bool leadership::is_near(const leader_record& holder) const {
    const base::process_identity& own = self_.process;
    const base::process_identity& other = holder.process;
    if (processes_ == nullptr || own.boot_id.empty() || own.pid_namespace == 0 || other.pid <= 0) return false;
    return other.boot_id == own.boot_id && other.pid_namespace == own.pid_namespace;
}

bool leadership::is_gone(const leader_record& holder) const {
    if (!is_near(holder)) return false;
    // A copy of this host (of a virtual machine) looks like this host: a process there that puts its key again is alive.
    if (replaced_.contains(holder.writer)) return false;
    // The pid is ours now, so its process is gone; unless it is a copy of this very process.
    if (holder.process.pid == self_.process.pid) return holder.process.start_time != self_.process.start_time;
    return processes_->is_gone(holder.process.pid, holder.process.start_time);
}

bool leadership::is_in_conflict(const leader_record& holder) const {
    const bool other_master = holder.cluster_id != 0 && self_.cluster_id != 0 && holder.cluster_id != self_.cluster_id;
    return other_master || holder.rules != self_.rules;
}

std::string leadership::described(const leader_record& holder) const {
    const bool here = !holder.process.boot_id.empty() && holder.process.boot_id == self_.process.boot_id;
    return fmt::format("process {}{} has replicated since {}", holder.process.pid,
                       here ? " on this host" : " on another host", holder.since);
}

void leadership::note_put() {
    if (!replacing_.empty()) replaced_.insert(std::exchange(replacing_, {}));
    now_.without_key = false;
    now_.another_leads = false;
    set_leads(true);
}

void leadership::note_refused() {
    now_.without_key = true;
    set_leads(true);
}

void leadership::set_leads(bool leads) {
    if (leads && !now_.leads) ++terms_;
    now_.leads = leads;
    if (leads) saw_leader_ = false;
    if (leads) now_.reason.clear();
    if (!leads) now_.without_key = false;
}

std::string leadership::value(std::string since) const {
    leader_record record = self_;
    record.since = std::move(since);
    return encode(record);
}

}  // namespace etcdsync::replication
