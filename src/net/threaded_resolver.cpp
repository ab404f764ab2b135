// SPDX-License-Identifier: Apache-2.0
#include "net/threaded_resolver.hpp"

#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <deque>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace etcdsync::net {

namespace asio = aio::asio;

/// Where those who ask meet the threads. The one place of the project with a lock: loops are posted to under it, so that who let go
/// of a look-up, which takes it too, is not posted to any more.
class threaded_resolver::desk : public std::enable_shared_from_this<desk> {
public:
    desk(question ask, std::size_t most_threads) : ask_(std::move(ask)), most_threads_(most_threads) {}

    std::uint64_t enter(const asio::any_io_executor& executor, const std::string& host,
                        std::function<void(answer)> done) {
        const std::lock_guard<std::mutex> alone(mutex_);
        const bool is_new = !wanted_.contains(host);
        auto at = asio::prefer(executor, asio::execution::outstanding_work.tracked);
        wanted_[host].emplace(++last_, waiter{std::move(at), std::move(done)});
        if (is_new) {
            waiting_.push_back(host);
            if (threads_ < most_threads_) start_thread();
        }
        return last_;
    }

    void leave(const std::string& host, std::uint64_t who) {
        std::map<std::uint64_t, waiter>::node_type gone;  // dies after the lock: it may hold anything
        const std::lock_guard<std::mutex> alone(mutex_);
        const auto place = wanted_.find(host);
        if (place == wanted_.end()) return;
        gone = place->second.extract(who);
        if (!gone || !place->second.empty()) return;
        // Where it is under way already its thread finds nobody.
        if (std::erase(waiting_, host) > 0) wanted_.erase(place);
    }

private:
    struct waiter {
        asio::any_io_executor executor;
        std::function<void(answer)> done;
    };

    void start_thread() {
        try {
            std::thread([self = shared_from_this()] { self->work(); }).detach();
            ++threads_;
        } catch (const std::system_error& e) {
            // With a thread at work the name just waits for it.
            while (threads_ == 0 && !waiting_.empty()) tell(take_next(), base::error(e.code().message()));
        }
    }

    void work() {
        std::unique_lock<std::mutex> alone(mutex_);
        while (!waiting_.empty()) {
            const std::string host = take_next();
            alone.unlock();
            const answer found = ask_(host);
            alone.lock();
            tell(host, found);
        }
        --threads_;
    }

    std::string take_next() {
        std::string host = std::move(waiting_.front());
        waiting_.pop_front();
        return host;
    }

    void tell(const std::string& host, const answer& found) {
        for (auto& [who, one] : wanted_[host])
            asio::post(one.executor, [done = std::move(one.done), found] { done(found); });
        wanted_.erase(host);
    }

    const question ask_;
    const std::size_t most_threads_;
    std::mutex mutex_;  ///< of all below
    std::uint64_t last_ = 0;
    std::size_t threads_ = 0;
    std::map<std::string, std::map<std::uint64_t, waiter>> wanted_;  ///< who waits for which name
    std::deque<std::string> waiting_;                                ///< those of them that no thread asks for yet
};

threaded_resolver::threaded_resolver(question ask, std::size_t most_threads)
    : desk_(std::make_shared<desk>(std::move(ask), most_threads)) {}

std::shared_ptr<void> threaded_resolver::look_up(const asio::any_io_executor& executor, const std::string& host,
                                                 std::function<void(answer)> done) {
    const std::uint64_t who = desk_->enter(executor, host, std::move(done));
    return {nullptr, [at = desk_, host, who](void*) { at->leave(host, who); }};
}

}  // namespace etcdsync::net
