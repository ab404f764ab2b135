// SPDX-License-Identifier: Apache-2.0
#include "replication/link/database_watch.hpp"

#include "base/text.hpp"

namespace etcdsync::replication {
namespace {

constexpr std::chrono::minutes interval{5};
constexpr std::chrono::seconds answer_timeout{10};

}  // namespace

void database_watch::use(const std::shared_ptr<net::channel>& on) {
    on_ = on;
    look_if_due();
}

void database_watch::look_if_due() {
    const std::shared_ptr<net::channel> on = on_.lock();
    if (!on || !on->usable()) return;  // until the next use()
    const auto now = with_->clock.now();
    if (!next_look_ || now >= *next_look_) {
        next_look_ = now + interval;
        with_->tasks.spawn("database size", look(on));
    }
    alarm_.emplace(with_->clock, *next_look_, [this] { look_if_due(); });
}

aio::awaitable<> database_watch::look(std::shared_ptr<net::channel> on) {
    const auto status = co_await etcd::read_status(on, answer_timeout);
    if (!status || !alert_.rises(status->database)) co_return;
    const etcd::database_size& size = status->database;
    report_->log(observe::log_level::warn, "the database of the slave is above 80% of its quota",
                 {{"endpoint", on->peer().url},
                  {"size", base::format_bytes(size.used)},
                  {"quota", base::format_bytes(size.quota)}});
}

}  // namespace etcdsync::replication
