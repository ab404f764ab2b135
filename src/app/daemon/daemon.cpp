// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/daemon.hpp"

#include "app/daemon/master_timeout.hpp"

namespace etcdsync::app {

using namespace std::chrono_literals;

aio::awaitable<exit_code> daemon::run() {
    replicator_.start();
    while (!env_.signals.stop_requested()) co_await env_.signals.changed().wait();
    co_await replicator_.stop(stop_timeout);
    co_return exit_code::ok;
}

aio::awaitable<sync_result> daemon::run_once() {
    master_timeout timeout(env_.clock.now());
    replicator_.start();
    bool master_gone = false;
    while (!replicator_.finished() && !env_.signals.stop_requested() && !master_gone) {
        co_await aio::wait_until(env_.signals.changed(), env_.clock, env_.clock.now() + 50ms);
        master_gone = !replicator_.finished() && timeout.expired(current().master, env_.clock.now());
    }
    const replication::status at_end = current();
    sync_result result = evaluate(at_end, master_gone || is_refused(at_end), env_.program);
    co_await replicator_.stop(stop_timeout);
    co_return result;
}

}  // namespace etcdsync::app
