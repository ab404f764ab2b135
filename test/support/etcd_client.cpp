// SPDX-License-Identifier: Apache-2.0
#include "support/etcd_client.hpp"

#include "grpc/framing.hpp"
#include "net/http2_channel.hpp"
#include "net/socket_dialer.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <stdexcept>

namespace etcdsync::test {

namespace pb = etcdserverpb;

namespace {

bool holds(std::string_view what, std::initializer_list<std::string_view> parts) {
    const auto in_it = [what](std::string_view part) { return what.find(part) != std::string_view::npos; };
    return std::any_of(parts.begin(), parts.end(), in_it);
}

/// True if the cluster is electing a leader; a read may be repeated.
bool is_transient(std::string_view what) { return holds(what, {"leader changed", "no leader", "request timed out"}); }

bool wants_token(std::string_view what) {
    return holds(what, {"invalid auth token", "user name is empty", "revision of auth store is old"});
}

}  // namespace

etcd_client::etcd_client(std::uint16_t port)
    : port_(port), clock_(io_.get_executor()),
      tasks_(io_.get_executor(), [](const std::string&, const std::exception_ptr& e) { std::rethrow_exception(e); }) {}

etcd_client::~etcd_client() {
    tasks_.cancel();
    run(tasks_.join());
}

void etcd_client::run(aio::awaitable<> body) {
    io_.restart();
    io_.poll();  // notices connections that broke meanwhile
    std::exception_ptr failure;
    bool finished = false;
    boost::asio::co_spawn(io_, std::move(body), [&](const std::exception_ptr& error) {
        failure = error;
        finished = true;
    });
    io_.restart();
    while (!finished && io_.run_one() > 0) {}
    if (failure) std::rethrow_exception(failure);
    if (!finished) throw std::logic_error("a coroutine of the test client hangs");
}

aio::awaitable<> etcd_client::connect() {
    if (channel_ && channel_->usable()) co_return;
    channel_.reset();
    net::socket_dialer dialer(clock_);
    const net::endpoint to{fmt::format("http://127.0.0.1:{}", port_), "127.0.0.1", port_, nullptr, {}};
    auto stream = co_await dialer.dial(to, clock_.now() + std::chrono::seconds(3));
    if (!stream) throw std::runtime_error(stream.error().text);
    net::channel_options options;
    options.http2.stream_window = 8U << 20;
    options.http2.connection_window = 16U << 20;
    channel_ = net::make_http2_channel(std::move(*stream), to, clock_, tasks_, options);
}

void etcd_client::log_in(std::string user, std::string password) {
    user_ = std::move(user);
    password_ = std::move(password);
    token_.clear();
}

net::call_options etcd_client::call_options(std::chrono::seconds limit) const {
    net::call_options options;
    options.patience = net::call_patience{limit, limit};
    options.max_message = 1U << 30;
    if (!token_.empty()) options.metadata.push_back({"token", token_, true});
    return options;
}

void etcd_client::renew_token() {
    token_.clear();
    pb::AuthenticateRequest request;
    request.set_name(user_);
    request.set_password(password_);
    pb::AuthenticateResponse response;
    try {
        response.ParseFromString(send_once("/etcdserverpb.Auth/Authenticate", request));
    } catch (const std::runtime_error& e) {
        if (!holds(e.what(), {"authentication is not enabled"})) throw;
    }
    token_ = response.token();
}

aio::awaitable<> etcd_client::do_unary(std::string_view path, std::string framed, std::string& answer) {
    co_await connect();
    const net::call_options options = call_options(std::chrono::seconds(20));
    const auto call = channel_->open(path, options);
    call->send(std::move(framed), true);
    auto progress = co_await call->receive(net::call::whole);
    if (progress == net::call::progress::message) {
        answer = call->take();
        progress = co_await call->receive(net::call::whole);
    }
    if (!call->status().ok()) throw std::runtime_error(fmt::format("{}: {}", path, call->status().message));
}

std::string etcd_client::send_once(std::string_view path, const google::protobuf::MessageLite& request) {
    std::string answer;
    run(do_unary(path, grpc::frame(request.SerializeAsString()), answer));
    return answer;
}

std::string etcd_client::unary(std::string_view path, const google::protobuf::MessageLite& request) {
    constexpr int tries = 5;
    for (int i = 1;; ++i) {
        try {
            return send_once(path, request);
        } catch (const std::runtime_error& e) {
            const bool old_token = !user_.empty() && wants_token(e.what());
            if (i == tries || !(old_token || (path.ends_with("/Range") && is_transient(e.what())))) throw;
            if (old_token) renew_token();
        }
    }
}

std::int64_t etcd_client::put(std::string_view key, std::string_view value) {
    pb::PutRequest request;
    request.set_key(std::string(key));
    request.set_value(std::string(value));
    pb::PutResponse response;
    response.ParseFromString(unary("/etcdserverpb.KV/Put", request));
    return response.header().revision();
}

std::int64_t etcd_client::del(std::string_view key, std::string_view range_end) {
    pb::DeleteRangeRequest request;
    request.set_key(std::string(key));
    request.set_range_end(std::string(range_end));
    pb::DeleteRangeResponse response;
    response.ParseFromString(unary("/etcdserverpb.KV/DeleteRange", request));
    return response.header().revision();
}

std::int64_t etcd_client::txn(const pb::TxnRequest& request) {
    pb::TxnResponse response;
    response.ParseFromString(unary("/etcdserverpb.KV/Txn", request));
    return response.header().revision();
}

aio::awaitable<> etcd_client::do_put_many(unsigned count, const std::function<std::string(unsigned)>& key_of,
                                          std::string_view value) {
    constexpr std::size_t at_once = 64;
    co_await connect();
    std::deque<std::unique_ptr<net::call>> pending;
    for (unsigned i = 0; i < count || !pending.empty();) {
        if (i < count && pending.size() < at_once) {
            pb::PutRequest request;
            request.set_key(key_of(i++));
            request.set_value(std::string(value));
            const net::call_options options = call_options(std::chrono::seconds(20));
            pending.push_back(channel_->open("/etcdserverpb.KV/Put", options));
            pending.back()->send(grpc::frame(request.SerializeAsString()), true);
            continue;
        }
        net::call& oldest = *pending.front();
        auto progress = co_await oldest.receive(net::call::whole);
        if (progress == net::call::progress::message) {
            oldest.take();
            progress = co_await oldest.receive(net::call::whole);
        }
        if (!oldest.status().ok()) throw std::runtime_error("put: " + oldest.status().message);
        pending.pop_front();
    }
}

std::int64_t etcd_client::put_many(unsigned count, const std::function<std::string(unsigned)>& key_of,
                                   std::string_view value) {
    run(do_put_many(count, key_of, value));
    return revision();
}

void etcd_client::compact(std::int64_t revision) {
    pb::CompactionRequest request;
    request.set_revision(revision);
    request.set_physical(true);
    unary("/etcdserverpb.KV/Compact", request);
}

key_map etcd_client::range(std::string_view begin, std::string_view end) {
    pb::RangeRequest request;
    request.set_key(std::string(begin));
    request.set_range_end(std::string(end));
    pb::RangeResponse response;
    if (!response.ParseFromString(unary("/etcdserverpb.KV/Range", request)))
        throw std::runtime_error("malformed RangeResponse");
    key_map out;
    for (auto& kv : *response.mutable_kvs()) out.emplace(std::move(*kv.mutable_key()), std::move(*kv.mutable_value()));
    return out;
}

std::int64_t etcd_client::revision() {
    pb::RangeRequest request;
    request.set_key("x");
    pb::RangeResponse response;
    response.ParseFromString(unary("/etcdserverpb.KV/Range", request));
    return response.header().revision();
}

bool etcd_client::answers() {
    try {
        revision();
        return true;
    } catch (const std::runtime_error& e) {
        return holds(e.what(), {"user name is empty"});  // it requires a user
    }
}

aio::awaitable<> etcd_client::do_history(std::int64_t from, std::int64_t to, std::string begin, std::string end,
                                         std::vector<change>& out) {
    co_await connect();
    pb::WatchRequest request;
    auto& create = *request.mutable_create_request();
    create.set_key(begin);
    create.set_range_end(end);
    create.set_start_revision(from);
    const net::call_options options = call_options(std::chrono::seconds(60));
    const auto call = channel_->open("/etcdserverpb.Watch/Watch", options);
    call->send(grpc::frame(request.SerializeAsString()), false);
    for (std::int64_t reached = 0; reached < to;) {
        const auto progress = co_await call->receive(net::call::whole);
        if (progress != net::call::progress::message)
            throw std::runtime_error("watch ended: " + call->status().message);
        pb::WatchResponse response;
        if (!response.ParseFromString(call->take())) throw std::runtime_error("malformed WatchResponse");
        // etcd 3.2 does not set "canceled" after a compaction.
        if (response.compact_revision() != 0) throw std::runtime_error("watch canceled: compacted");
        if (response.canceled()) throw std::runtime_error("watch canceled: " + response.cancel_reason());
        for (auto& event : *response.mutable_events()) {
            auto& kv = *event.mutable_kv();
            reached = kv.mod_revision();
            out.push_back({event.type() == pb::Event::PUT, std::move(*kv.mutable_key()), std::move(*kv.mutable_value()),
                           kv.mod_revision(), kv.version()});
        }
    }
}

std::vector<change> etcd_client::history(std::int64_t from, std::string_view begin, std::string_view end) {
    // A watch of the whole key space has events in every revision, so the end of the history is
    // reliable.
    const std::int64_t to = revision();
    std::vector<change> all;
    if (to < from || to <= 1) return all;
    const auto read = [&] { run(do_history(from, to, std::string(1, '\0'), std::string(1, '\0'), all)); };
    try {
        read();
    } catch (const std::runtime_error&) {
        if (user_.empty()) throw;
        renew_token();  // it may have expired after revision()
        all.clear();
        read();
    }
    const bool to_the_last = end.size() == 1 && end[0] == '\0';
    std::erase_if(all, [&](const change& c) {
        const bool inside = end.empty() ? c.key == begin : c.key >= begin && (to_the_last || c.key < end);
        return c.revision > to || !inside;
    });
    return all;
}

void add_put(pb::TxnRequest& to, std::string_view key, std::string_view value) {
    auto& put = *to.add_success()->mutable_request_put();
    put.set_key(std::string(key));
    put.set_value(std::string(value));
}

void add_delete(pb::TxnRequest& to, std::string_view key, std::string_view range_end) {
    auto& del = *to.add_success()->mutable_request_delete_range();
    del.set_key(std::string(key));
    del.set_range_end(std::string(range_end));
}

}  // namespace etcdsync::test
