// SPDX-License-Identifier: Apache-2.0
#include "net/name_resolver.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <utility>

namespace etcdsync::net {
namespace {

using aio::asio::ip::tcp;

class asio_resolver final : public name_resolver {
public:
    std::shared_ptr<void> look_up(const aio::asio::any_io_executor& executor, const std::string& host,
                                  std::function<void(answer)> done) override {
        auto names = std::make_shared<tcp::resolver>(executor);
        names->async_resolve(
            host, "",
            [done = std::move(done)](const boost::system::error_code& ec, const tcp::resolver::results_type& entries) {
                if (ec) return done(base::error(ec.message()));
                std::vector<aio::asio::ip::address> found;
                for (const auto& entry : entries) found.push_back(entry.endpoint().address());
                done(std::move(found));
            });
        return names;
    }
};

}  // namespace

name_resolver& system_resolver() {
    static asio_resolver only;
    return only;
}

}  // namespace etcdsync::net
