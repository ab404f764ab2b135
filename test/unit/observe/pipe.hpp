// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

namespace etcdsync::test {

/// A pipe in place of stderr. Both ends block, as between a daemon and the reader of its log.
class pipe {
public:
    pipe() {
        std::signal(SIGPIPE, SIG_IGN);
        if (::pipe(ends_) != 0) throw std::runtime_error("pipe");
    }
    pipe(const pipe&) = delete;
    ~pipe() {
        close_reader();
        ::close(ends_[1]);
    }

    [[nodiscard]] int writer() const { return ends_[1]; }

    void close_reader() {
        if (ends_[0] >= 0) ::close(ends_[0]);
        ends_[0] = -1;
    }

    /// Everything written so far.
    [[nodiscard]] std::string drain() const {
        std::string out;
        char block[4096];
        ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
        for (ssize_t got = 0; (got = ::read(ends_[0], block, sizeof block)) > 0;)
            out.append(block, static_cast<std::size_t>(got));
        return out;
    }

private:
    int ends_[2] = {-1, -1};
};

}  // namespace etcdsync::test
