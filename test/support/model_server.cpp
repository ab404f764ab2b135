// SPDX-License-Identifier: Apache-2.0
#include "support/model_server.hpp"

#include "grpc/framing.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace etcdsync::test {
namespace {

namespace pb = etcdserverpb;

constexpr std::string_view range_path = "/etcdserverpb.KV/Range";
constexpr std::string_view txn_path = "/etcdserverpb.KV/Txn";
constexpr std::string_view watch_path = "/etcdserverpb.Watch/Watch";
constexpr std::string_view status_path = "/etcdserverpb.Maintenance/Status";
constexpr std::string_view renewal_path = "/etcdserverpb.Lease/LeaseKeepAlive";
constexpr int unavailable = 14;
constexpr int unimplemented = 12;
constexpr int permission_denied = 7;
constexpr std::string_view denied_text = "etcdserver: permission denied";

}  // namespace

std::string to_string(fault what) {
    switch (what) {
        case fault::none: return "none";
        case fault::refused: return "refused";
        case fault::cut: return "cut";
        case fault::cut_late: return "cut late";
        case fault::lost: return "lost";
        case fault::lost_late: return "lost late";
    }
    return "unknown";
}

model_server::client::client(test_loop& loop, const memory_connection& wire, std::unique_ptr<memory_stream> server)
    : to_server(wire.to_server), to_client(wire.to_client), peer(loop, std::move(server)) {
    to_client->capacity = 4U << 20;
}

model_server::model_server(test_loop& loop, memory_dialer& dialer, std::string url, model_etcd& store)
    : loop_(&loop), dialer_(&dialer), url_(std::move(url)), store_(&store) {
    refuse(false);
}

model_server::~model_server() {
    dialer_->refuse(url_);
    for (const std::string& url : more_urls_) dialer_->refuse(url);
}

void model_server::serve_also(const std::string& url) {
    more_urls_.push_back(url);
    refuse(url, false);
}

void model_server::refuse(bool on) { refuse(url_, on); }

void model_server::refuse(const std::string& url, bool on) {
    if (on)
        dialer_->refuse(url);
    else
        dialer_->listen(url, [this, url] { return accept(url); });
}

void model_server::stall(bool on) { stall(url_, on); }

void model_server::stall(const std::string& url, bool on) {
    for (const auto& each : clients_) {
        if (each->url != url) continue;
        for (memory_pipe* pipe : {each->to_server.get(), each->to_client.get()}) on ? pipe->stall() : pipe->resume();
    }
    if (on)
        dialer_->black_hole(url);
    else
        refuse(url, false);
}

namespace {

/// How often a thin line lets bytes through, per second.
constexpr std::size_t line_ticks = 10;

}  // namespace

void model_server::thin(std::size_t rate) {
    rate_ = rate;
    line_.reset();
    if (rate_ > 0) return tick_line();
    for (const auto& each : clients_) {
        for (memory_pipe* pipe : {each->to_server.get(), each->to_client.get()}) {
            pipe->allowance.reset();
            pipe->changed.notify();
        }
    }
}

void model_server::allow(client& on) const {
    for (memory_pipe* pipe : {on.to_server.get(), on.to_client.get()}) {
        pipe->allowance = rate_ / line_ticks;
        pipe->changed.notify();
    }
}

void model_server::tick_line() {
    for (const auto& each : clients_) allow(*each);
    constexpr std::chrono::milliseconds tick{1'000 / line_ticks};
    line_.emplace(loop_->clock, loop_->clock.now() + tick, [this] { tick_line(); });
}

std::uint64_t model_server::bytes_received() const {
    std::uint64_t sum = received_before_;
    for (const auto& each : clients_) sum += each->to_server->carried;
    return sum;
}

std::unique_ptr<net::byte_stream> model_server::accept(const std::string& url) {
    const auto over = [](const std::unique_ptr<client>& each) {
        // What a client sent before it closed still arrives after a stall.
        return (each->to_server->ended && !each->to_server->stalled) || each->to_server->broken;
    };
    for (const auto& each : clients_) {
        if (over(each)) received_before_ += each->to_server->carried;
    }
    clients_.erase(std::remove_if(clients_.begin(), clients_.end(), over), clients_.end());
    memory_connection wire(loop_->executor());
    client& added = *clients_.emplace_back(std::make_unique<client>(*loop_, wire, std::move(wire.server)));
    added.url = url;
    if (rate_ > 0) allow(added);
    http2_server& server = added.peer.server();
    server.on_end = [this, &added](stream_id id) { handle(added, id); };
    server.on_body = [this, &added](stream_id id, std::string_view) {
        if (added.peer.server().request(id).value(":path") == renewal_path) return handle_renewals(added, id);
        const bool to_watch = added.peer.server().request(id).value(":path") == watch_path;
        if (to_watch && added.watches.count(id) == 0 && !added.peer.messages(id).empty()) handle(added, id);
    };
    server.on_reset = [&added](stream_id id, http2::error_code) {
        added.watches.erase(id);
        added.renewals.erase(id);
    };
    return std::move(wire.client);
}

void model_server::handle(client& from, stream_id id) {
    const received_request& request = from.peer.server().request(id);
    const std::string path = request.value(":path");
    const std::vector<std::string> messages = from.peer.messages(id);
    if (messages.size() != 1) return from.peer.refuse(id, 13, "not one message");
    ++requests_;
    const fault what = script ? script(requests_) : fault::none;
    if (what == fault::cut) return cut(from);
    if (what == fault::lost) {
        if (path == watch_path) from.watches[id];  // never answered
        return;
    }
    if (what == fault::refused) return from.peer.refuse(id, unavailable, "etcdserver: leader changed");
    answer(from, id, path, messages[0], what);
    if (what == fault::cut_late) cut(from);
}

void model_server::answer(client& from, stream_id id, const std::string& path, const std::string& message, fault what) {
    const auto reply = [&](const std::optional<model_etcd::refusal>& refused,
                           const google::protobuf::MessageLite& good) {
        if (what != fault::none) return;
        if (refused)
            from.peer.refuse(id, refused->code, refused->text);
        else
            from.peer.reply(id, good.SerializeAsString());
    };
    if (path == range_path) {
        pb::RangeRequest request;
        pb::RangeResponse found;
        request.ParseFromString(message);
        if (cuts_range && cuts_range(request)) return cut(from);
        if (denies && denies(request.key(), request.range_end()))
            return from.peer.refuse(id, permission_denied, denied_text);
        const auto refused = store_->range(request, found);
        reply(refused, found);
    } else if (path == txn_path) {
        pb::TxnRequest request;
        pb::TxnResponse done;
        request.ParseFromString(message);
        if (denies && is_denied(request)) return from.peer.refuse(id, permission_denied, denied_text);
        const auto refused = store_->txn(request, done);
        reply(refused, done);
        // In a later turn, because another client's connection may be in use.
        asio::post(loop_->io, [this] { changed(); });
    } else if (path == status_path) {
        if (refuses_status) return from.peer.refuse(id, permission_denied, denied_text);
        pb::StatusResponse own;
        store_->fill_status(own);
        reply(std::nullopt, status ? *status : own);
    } else if (path == watch_path) {
        if (what == fault::none)
            create(from, id, message);
        else
            from.watches[id];
    } else if (!answer_lease(from, id, path, message, what)) {
        from.peer.refuse(id, unimplemented, "unknown method");
    }
}

bool model_server::is_denied(const pb::TxnRequest& request) const {
    const auto compare = [this](const pb::Compare& c) { return denies(c.key(), c.range_end()); };
    if (std::any_of(request.compare().begin(), request.compare().end(), compare)) return true;
    return std::any_of(request.success().begin(), request.success().end(), [this](const pb::RequestOp& op) {
        if (op.has_request_txn()) return is_denied(op.request_txn());
        if (op.has_request_put()) return denies(op.request_put().key(), {});
        return denies(op.request_delete_range().key(), op.request_delete_range().range_end());
    });
}

void model_server::create(client& from, stream_id id, const std::string& message) {
    pb::WatchRequest request;
    request.ParseFromString(message);
    const pb::WatchCreateRequest& wanted = request.create_request();
    if (denies && denies(wanted.key(), wanted.range_end())) {
        pb::WatchResponse refused;
        refused.set_watch_id(-1);
        refused.set_created(true);
        refused.set_canceled(true);
        refused.set_cancel_reason("rpc error: code = PermissionDenied desc = " + std::string(denied_text));
        from.peer.begin(id);
        return from.peer.message(id, refused.SerializeAsString());
    }
    watch& added = from.watches[id];
    added.state = {wanted.key(), wanted.range_end(), store_->like_3_2() ? 0 : wanted.watch_id(),
                   wanted.start_revision()};
    added.behind = wanted.start_revision() <= store_->revision();
    pb::WatchResponse created;
    store_->fill_header(*created.mutable_header());
    created.set_watch_id(added.state.id);
    created.set_created(true);
    from.peer.begin(id);
    send(from, id, {created});
    if (added.behind) tick(from, id);
}

void model_server::tick(client& from, stream_id id) {
    constexpr std::chrono::milliseconds sync_interval{100};
    watch& each = from.watches[id];
    each.tick.emplace(loop_->clock, loop_->clock.now() + sync_interval, [this, &from, id] {
        watch& due = from.watches[id];
        const auto news = store_->news(due.state, true);
        if (!news.empty() && news[0].compact_revision() > 0) due.state.next = 0;  // no more events for this watch
        due.behind = due.state.next > 0 && due.state.next <= store_->revision();
        send(from, id, news);
        if (due.behind) tick(from, id);
    });
}

void model_server::send(client& to, stream_id id, const std::vector<pb::WatchResponse>& all) {
    for (pb::WatchResponse each : all) {
        if (spoil) spoil(each);
        const std::string framed = grpc::frame(each.SerializeAsString());
        to.peer.server().data(id, cut_messages ? framed.substr(0, framed.size() / 2) : framed);
        to.peer.flush();
    }
}

template <class Do>
void model_server::for_each_caught_up(Do&& act) {
    for (const auto& each : clients_) {
        for (auto& [id, one] : each->watches) {
            if (!one.behind && one.state.next > 0) act(*each, id, one);
        }
    }
}

void model_server::changed() {
    for_each_caught_up(
        [this](client& to, stream_id id, watch& each) { send(to, id, store_->news(each.state, false)); });
}

void model_server::notify_progress() {
    for_each_caught_up([this](client& to, stream_id id, watch& each) {
        pb::WatchResponse progress;
        store_->fill_header(*progress.mutable_header());
        progress.set_watch_id(each.state.id);
        send(to, id, {progress});
    });
}

void model_server::cut(client& from) {
    from.watches.clear();
    from.renewals.clear();
    for (memory_pipe* pipe : {from.to_server.get(), from.to_client.get()}) {
        pipe->broken = true;
        pipe->waiting.clear();
        pipe->changed.notify();
    }
}

void model_server::cut() {
    for (const auto& each : clients_) cut(*each);
}

void model_server::cut(const std::string& url) {
    for (const auto& each : clients_) {
        if (each->url == url) cut(*each);
    }
}

std::size_t model_server::open_watches() const {
    std::size_t count = 0;
    for (const auto& each : clients_) count += each->watches.size();
    return count;
}

}  // namespace etcdsync::test
