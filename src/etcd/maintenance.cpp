// SPDX-License-Identifier: Apache-2.0
#include "etcd/maintenance.hpp"

#include "etcd/unary.hpp"
#include "grpc/framing.hpp"

#include <algorithm>
#include <rpc.pb.h>

namespace etcdsync::etcd {
namespace {

constexpr std::size_t max_response = 64U << 10;

std::uint64_t size_of(std::int64_t reported) { return static_cast<std::uint64_t>(std::max<std::int64_t>(reported, 0)); }

}  // namespace

std::optional<member_status> decode_status(std::string_view message) {
    etcdserverpb::StatusResponse response;
    if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) return std::nullopt;
    member_status out;
    out.header.cluster_id = response.header().cluster_id();
    out.header.member_id = response.header().member_id();
    out.header.store_revision = response.header().revision();
    out.header.raft_term = response.header().raft_term();
    if (!is_possible(out.header.store_revision)) return std::nullopt;
    out.raft_term = response.raftterm();
    out.raft_index = response.raftindex();
    out.database = {size_of(response.dbsize()), size_of(response.dbsizequota())};
    return out;
}

aio::awaitable<result<member_status>> read_status(std::shared_ptr<net::channel> on, aio::clock::duration timeout) {
    const net::call_options options = unary_options(timeout, max_response);
    std::string request = grpc::frame(etcdserverpb::StatusRequest().SerializeAsString());
    const auto response = co_await unary(*on, "/etcdserverpb.Maintenance/Status", std::move(request), options);
    if (!response) co_return response.error();
    const auto status = decode_status(*response);
    if (!status) co_return bad_response(on->peer(), "the response to a Status is malformed");
    co_return *status;
}

}  // namespace etcdsync::etcd
