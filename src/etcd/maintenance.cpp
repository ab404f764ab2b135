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

std::optional<database_size> decode_database_size(std::string_view message) {
    etcdserverpb::StatusResponse response;
    if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) return std::nullopt;
    return database_size{size_of(response.dbsize()), size_of(response.dbsizequota())};
}

aio::awaitable<result<database_size>> read_database_size(std::shared_ptr<net::channel> on,
                                                         aio::clock::time_point deadline) {
    const net::call_options options = unary_options(deadline, max_response);
    std::string request = grpc::frame(etcdserverpb::StatusRequest().SerializeAsString());
    const auto response = co_await unary(*on, "/etcdserverpb.Maintenance/Status", std::move(request), options);
    if (!response) co_return response.error();
    const auto size = decode_database_size(*response);
    if (!size) co_return bad_response(on->peer(), "the response to a Status is malformed");
    co_return *size;
}

}  // namespace etcdsync::etcd
