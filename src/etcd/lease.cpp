// SPDX-License-Identifier: Apache-2.0
#include "etcd/lease.hpp"

#include "etcd/unary.hpp"
#include "grpc/framing.hpp"

#include <rpc.pb.h>
#include <string>
#include <utility>

namespace etcdsync::etcd {
namespace {

/// Responses of the Lease service have a header and two numbers.
constexpr std::size_t max_response = 64U << 10;

/// More seconds than any lease has (etcd-wire.md section 6).
constexpr std::int64_t max_ttl = 9'000'000'000;

bool is_ttl(std::int64_t seconds) { return seconds > 0 && seconds <= max_ttl; }

}  // namespace

aio::awaitable<result<granted_lease>> leases::grant(std::chrono::seconds ttl) {
    const std::uint64_t access = channel_->credentials_generation();
    auto granted = co_await send_grant(ttl);
    if (granted || granted.error().cls != error_class::reauthenticate) co_return granted;
    const bool renewed = co_await channel_->renew_credentials(access);
    if (renewed) granted = co_await send_grant(ttl);
    co_return granted;
}

aio::awaitable<result<granted_lease>> leases::send_grant(std::chrono::seconds ttl) {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(ttl.count());
    std::string framed = grpc::frame(request.SerializeAsString());
    const net::call_options options = unary_options(timeout_, max_response);
    const auto answer = co_await unary(*channel_, "/etcdserverpb.Lease/LeaseGrant", std::move(framed), options);
    if (!answer) co_return answer.error();
    etcdserverpb::LeaseGrantResponse response;
    if (!response.ParseFromString(*answer) || response.id() == 0 || !is_ttl(response.ttl()))
        co_return bad_response(channel_->peer(), "the response to a LeaseGrant is malformed");
    granted_lease out;
    out.id = response.id();
    out.ttl = std::chrono::seconds(response.ttl());
    co_return out;
}

aio::awaitable<result<void>> leases::revoke(lease_id id) {
    const std::uint64_t access = channel_->credentials_generation();
    auto revoked = co_await send_revoke(id);
    if (revoked || revoked.error().cls != error_class::reauthenticate) co_return revoked;
    const bool renewed = co_await channel_->renew_credentials(access);
    if (renewed) revoked = co_await send_revoke(id);
    co_return revoked;
}

aio::awaitable<result<void>> leases::send_revoke(lease_id id) {
    etcdserverpb::LeaseRevokeRequest request;
    request.set_id(id);
    std::string framed = grpc::frame(request.SerializeAsString());
    const net::call_options options = unary_options(timeout_, max_response);
    const auto answer = co_await unary(*channel_, "/etcdserverpb.Lease/LeaseRevoke", std::move(framed), options);
    if (!answer && answer.error().cls != error_class::lease_not_found) co_return answer.error();
    co_return result<void>();
}

aio::awaitable<result<std::chrono::seconds>> lease_renewal::renew() {
    auto renewed = co_await exchange();
    if (renewed) co_return renewed;
    stream_.reset();
    if (renewed.error().cls != error_class::reauthenticate) co_return renewed;
    const bool fresh = co_await channel_->renew_credentials(access_);
    if (fresh) renewed = co_await exchange();
    if (!renewed) stream_.reset();
    co_return renewed;
}

aio::awaitable<result<std::chrono::seconds>> lease_renewal::exchange() {
    if (!stream_) {
        net::call_options options;
        options.max_message = max_response;
        options.expected_message = max_response;
        options.metadata.push_back({"hasleader", "true", false});
        access_ = channel_->credentials_generation();
        stream_ = channel_->open("/etcdserverpb.Lease/LeaseKeepAlive", options);
    }
    etcdserverpb::LeaseKeepAliveRequest request;
    request.set_id(id_);
    stream_->send(grpc::frame(request.SerializeAsString()), false);
    bool timed_out = false;
    const aio::alarm limit(*clock_, clock_->now() + timeout_, [this, &timed_out] {
        timed_out = true;
        stream_->cancel();
    });
    const auto progress = co_await stream_->receive(net::call::whole);
    if (progress != net::call::progress::message) {
        if (timed_out) co_return error(error_class::ambiguous, channel_->peer().name() + ": no answer in time");
        if (stream_->status().ok())
            co_return error(error_class::retry, channel_->peer().name() + ": the server ended the renewal of a lease");
        co_return to_error(stream_->status(), channel_->peer());
    }
    etcdserverpb::LeaseKeepAliveResponse response;
    if (!response.ParseFromString(stream_->take()) || response.id() != id_ || response.ttl() > max_ttl)
        co_return bad_response(channel_->peer(), "the response to a LeaseKeepAlive is malformed");
    // A lease that has ended is reported by its TTL, not by an error.
    if (response.ttl() <= 0)
        co_return error(error_class::lease_not_found, channel_->peer().name() + ": the lease has ended");
    co_return std::chrono::seconds(response.ttl());
}

}  // namespace etcdsync::etcd
