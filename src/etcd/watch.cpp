// SPDX-License-Identifier: Apache-2.0
#include "etcd/watch.hpp"

#include "base/escape.hpp"
#include "etcd/unary.hpp"
#include "grpc/framing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <rpc.pb.h>

namespace etcdsync::etcd {
namespace {

std::string encode(const watch_query& query) {
    etcdserverpb::WatchRequest request;
    auto& create = *request.mutable_create_request();
    create.set_key(query.key);
    create.set_range_end(query.range_end);
    create.set_start_revision(query.start_revision);
    create.set_progress_notify(true);
    // No fragments: etcd splits a large response in quadratic time (a delete of 100,000 keys takes
    // a minute, for each watch). Instead we read it in parts as it arrives, which limits memory as
    // well.
    create.set_watch_id(1);  // not 0: a refused watch would silence this one (etcd-wire.md 3.2)
    return grpc::frame(request.SerializeAsString());
}

bool inside(const watch_query& query, std::string_view key) {
    if (query.range_end.empty()) return key == query.key;
    return key >= query.key && (query.range_end == std::string_view("\0", 1) || key < query.range_end);
}

/// Bytes of a response that are read at a time, and events that are processed at a time. On a line that breaks often a part must
/// arrive in between.
constexpr std::size_t part_size = 64U << 10;
constexpr std::size_t max_events = 4'096;

/// Consecutive messages without meaning. etcd sends none, because we never request progress.
constexpr unsigned max_empty_messages = 1'000;

}  // namespace

std::string watch_checker::violation(const watch_response& response) const {
    if (!is_possible(response.header.store_revision)) return "an impossible store revision";
    if (response.created) return created_ ? "created twice" : "";
    if (!created_) return "a response before `created`";
    if (response.header.cluster_id != cluster_id_) return "a response from another cluster";
    if (response.events.empty())
        return last_open_ && !response.fragment ? "a response without events inside a fragmented one" : "";
    if (response.watch_id != watch_id_) return "events for another watch";
    return events_violation(response);
}

std::string watch_checker::events_violation(const watch_response& response) const {
    revision newest = last_;
    bool may_repeat = last_open_;  // only the revision that a fragment split may occur again
    for (const event& e : response.events) {
        const revision rev = e.kv.mod_revision;
        if (e.kv.key.empty() || !inside(query_, e.kv.key))
            return fmt::format("an event outside the watched range: key {}", base::printable(e.kv.key));
        if (rev <= 0 || !is_possible(rev)) return "an event with an impossible revision";
        if (rev < newest || (rev == newest && !may_repeat)) return "events out of order";
        if (e.type == event_type::put &&
            (e.kv.create_revision <= 0 || e.kv.create_revision > rev || e.kv.version <= 0)) {
            return "a PUT with impossible revisions";
        }
        newest = rev;
        may_repeat = true;
    }
    return {};
}

/// etcd reports a compaction only if the requested revision is below it.
std::string watch_checker::compaction_violation(const watch_response& response) const {
    if (response.compact_revision < 0 || !is_possible(response.compact_revision))
        return "a compaction at an impossible revision";
    if (response.compact_revision <= query_.start_revision)
        return "a compaction that does not concern the requested revisions";
    return {};
}

result<watch_message> watch_checker::check(watch_response response) {
    watch_message message;
    if (response.compact_revision != 0) {  // 3.2 leaves `canceled` unset (etcd-wire.md 3.7)
        const std::string wrong = compaction_violation(response);
        if (!wrong.empty()) return error(error_class::watch_violation, "watch: " + wrong);
        message.what = watch_message::kind::compacted;
        message.response = std::move(response);
        return message;
    }
    if (response.canceled) {
        const std::string reason =
            response.cancel_reason.empty() ? "no reason given" : base::printable(response.cancel_reason);
        return error(classify_cancel_reason(response.cancel_reason),
                     fmt::format("the watch was canceled: {}{}", reason, advice_for(response.cancel_reason)));
    }
    const std::string wrong = violation(response);
    if (!wrong.empty()) return error(error_class::watch_violation, "watch: " + wrong);
    if (response.created) {
        created_ = true;
        watch_id_ = response.watch_id;
        cluster_id_ = response.header.cluster_id;
        message.what = watch_message::kind::created;
    } else if (!response.events.empty()) {
        last_ = response.events.back().kv.mod_revision;
        last_open_ = response.fragment;
        message.what = watch_message::kind::events;
    } else if (!response.fragment && response.watch_id == watch_id_) {
        // With watch id -1 it would answer a progress request, which is not a position (faults.md
        // F4).
        message.what = watch_message::kind::progress;
        last_ = std::max(last_, response.header.store_revision);
    }
    message.response = std::move(response);
    return message;
}

watch_stream::watch_stream(net::channel& on, const watch_query& query)
    : on_(&on), query_(query), checker_(query), parts_(max_events) {
    open();
}

void watch_stream::open() {
    net::call_options options;
    options.max_message = std::size_t{1} << 31;  // no limit, because it is read in parts
    options.expected_message = part_size;
    options.metadata.push_back({"hasleader", "true", false});
    access_ = on_->credentials_generation();
    call_ = on_->open("/etcdserverpb.Watch/Watch", options);
    call_->send(encode(query_), false);
}

error watch_stream::peer_error(error_class cls, std::string_view what) const {
    return {cls, fmt::format("{}: {}", on_->peer().name(), what)};
}

error watch_stream::end_error() const {
    const grpc::status& status = call_->status();
    if (status.ok()) return peer_error(error_class::retry, "the server ended the watch");
    return to_error(status, on_->peer());
}

aio::awaitable<result<watch_message>> watch_stream::next() {
    auto message = co_await read();
    if (message || message.error().cls != error_class::reauthenticate || checker_.created() || cancelled_)
        co_return message;
    // etcd checks the token only when a watch is created (faults.md F17). A stream keeps its first
    // token.
    const bool renewed = co_await on_->renew_credentials(access_);
    if (!renewed || cancelled_) co_return message;
    checker_ = watch_checker(query_);
    parts_ = watch_assembler(max_events);
    open();
    co_return co_await read();
}

aio::awaitable<result<watch_response>> watch_stream::receive() {
    std::optional<watch_response> response;
    if (parts_.has_more()) {
        response = parts_.take_more();
    } else {
        const auto progress = co_await call_->receive(part_size);
        if (progress == net::call::progress::ended) co_return end_error();
        const bool last = progress == net::call::progress::message;
        response = parts_.add(last ? call_->take() : call_->take_part(), last);
    }
    if (!response) co_return peer_error(error_class::bad_peer, "a watch response is malformed");
    if (parts_.pending_size() > query_.max_event) {
        co_return peer_error(error_class::bad_peer,
                             fmt::format("the master has a value of more than {} bytes: leave its key out of the rules",
                                         query_.max_event));
    }
    co_return std::move(*response);
}

aio::awaitable<result<watch_message>> watch_stream::read() {
    for (unsigned empty = 0; empty < max_empty_messages;) {
        auto response = co_await receive();
        if (!response) co_return response.error();
        if (response->fragment && response->events.empty() && parts_.pending_size() > 0)
            continue;  // an event is larger than a part
        auto message = checker_.check(std::move(*response));
        if (!message) co_return peer_error(message.error().cls, message.error().text);
        if (message->what != watch_message::kind::nothing) co_return std::move(*message);
        ++empty;
    }
    co_return peer_error(error_class::bad_peer, "the server floods the watch with empty messages");
}

std::uint64_t watch_stream::message_progress() const {
    return call_->inside_message() || parts_.pending_size() > 0 ? 1 + call_->received() : 0;
}

void watch_stream::cancel() {
    cancelled_ = true;
    call_->cancel();
}

}  // namespace etcdsync::etcd
