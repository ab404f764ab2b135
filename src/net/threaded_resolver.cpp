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

/// The queue between the callers and the threads. This is the only lock of the project. Answers are
/// posted to loops under the lock, so that nothing is posted for a lookup after remove(), which
/// takes the lock, too.
class threaded_resolver::lookup_queue : public std::enable_shared_from_this<lookup_queue> {
public:
    lookup_queue(lookup_function lookup, std::size_t max_threads)
        : lookup_(std::move(lookup)), max_threads_(max_threads) {}

    std::uint64_t add(const asio::any_io_executor& executor, const std::string& host,
                      std::function<void(answer)> done) {
        const std::lock_guard<std::mutex> lock(mutex_);
        const bool is_new = !waiters_.contains(host);
        auto at = asio::prefer(executor, asio::execution::outstanding_work.tracked);
        waiters_[host].emplace(++last_id_, waiter{std::move(at), std::move(done)});
        if (is_new) {
            queued_.push_back(host);
            if (threads_ < max_threads_) start_thread();
        }
        return last_id_;
    }

    void remove(const std::string& host, std::uint64_t id) {
        std::map<std::uint64_t, waiter>::node_type removed;  // destroyed after the unlock, because it may own anything
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = waiters_.find(host);
        if (found == waiters_.end()) return;
        removed = found->second.extract(id);
        if (!removed || !found->second.empty()) return;
        // If a thread is looking it up already, the entry stays; the thread will find no waiters.
        if (std::erase(queued_, host) > 0) waiters_.erase(found);
    }

private:
    struct waiter {
        asio::any_io_executor executor;
        std::function<void(answer)> done;
    };

    void start_thread() {
        try {
            std::thread([self = shared_from_this()] { self->run(); }).detach();
            ++threads_;
        } catch (const std::system_error& e) {
            // If other threads run, the name waits for one of them.
            while (threads_ == 0 && !queued_.empty()) deliver(take_next(), base::error(e.code().message()));
        }
    }

    void run() {
        std::unique_lock<std::mutex> lock(mutex_);
        while (!queued_.empty()) {
            const std::string host = take_next();
            lock.unlock();
            const answer found = lookup_(host);
            lock.lock();
            deliver(host, found);
        }
        --threads_;
    }

    std::string take_next() {
        std::string host = std::move(queued_.front());
        queued_.pop_front();
        return host;
    }

    void deliver(const std::string& host, const answer& found) {
        for (auto& [id, each] : waiters_[host])
            asio::post(each.executor, [done = std::move(each.done), found] { done(found); });
        waiters_.erase(host);
    }

    const lookup_function lookup_;
    const std::size_t max_threads_;
    std::mutex mutex_;  ///< protects everything below
    std::uint64_t last_id_ = 0;
    std::size_t threads_ = 0;
    std::map<std::string, std::map<std::uint64_t, waiter>> waiters_;  ///< by name, then by id
    std::deque<std::string> queued_;                                  ///< names that no thread has taken yet
};

threaded_resolver::threaded_resolver(lookup_function lookup, std::size_t max_threads)
    : queue_(std::make_shared<lookup_queue>(std::move(lookup), max_threads)) {}

std::shared_ptr<void> threaded_resolver::look_up(const asio::any_io_executor& executor, const std::string& host,
                                                 std::function<void(answer)> done) {
    const std::uint64_t id = queue_->add(executor, host, std::move(done));
    return {nullptr, [queue = queue_, host, id](void*) { queue->remove(host, id); }};
}

}  // namespace etcdsync::net
