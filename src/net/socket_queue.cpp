// SPDX-License-Identifier: Apache-2.0
#include "net/socket_queue.hpp"

#include <linux/sockios.h>
#include <sys/ioctl.h>

namespace etcdsync::net {

std::uint64_t bytes_not_taken(int socket) {
    int waiting = 0;
    if (::ioctl(socket, SIOCOUTQ, &waiting) != 0 || waiting < 0) return 0;
    return static_cast<std::uint64_t>(waiting);
}

}  // namespace etcdsync::net
