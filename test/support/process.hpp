// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace etcdsync::test {

/// True for long test runs: ETCDSYNC_LONG is set.
bool long_run();

/// Returns `limit`, or four times `limit` if the daemon runs with a sanitizer (ETCDSYNC_SLOW is
/// set).
std::chrono::milliseconds patience(std::chrono::milliseconds limit);

/// A temporary directory that is removed by the destructor.
class scratch_dir {
public:
    scratch_dir();
    explicit scratch_dir(const std::string& parent);
    ~scratch_dir();
    scratch_dir(const scratch_dir&) = delete;
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Returns the first of two adjacent free loopback ports, from a range that the kernel does not
/// assign automatically.
std::uint16_t free_port_pair();

/// A child process. The destructor kills it. Only processes that were started here are signaled.
class process {
public:
    process() = default;
    /// Starts a program, in `directory` if it is not empty. Returns after exec.
    process(const std::vector<std::string>& command, const std::string& output_file, const std::string& directory = {});
    ~process();
    process(process&& other) noexcept;
    process& operator=(process&& other) noexcept;

    void signal(int number) const;
    /// True if it has a handler for this signal; a program that just started has none.
    [[nodiscard]] bool handles(int number) const;
    /// Sends SIGSTOP and waits until all its threads are stopped, which takes a moment on a busy
    /// machine.
    void stop() const;
    /// Sends SIGKILL and waits for the end.
    void kill();
    /// Waits until it ends. Returns its exit status, 128 + signal, or -1 if it still runs after
    /// `limit`.
    int wait(std::chrono::milliseconds limit);
    [[nodiscard]] bool running();
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// How long its main thread was ready to run while other processes had the processors. Zero
    /// after wait().
    [[nodiscard]] std::chrono::milliseconds time_without_processor() const;

private:
    pid_t pid_ = -1;
};

/// Checks `condition` every 20 ms until it is true. False after `limit`; pauses of the whole
/// machine do not count.
bool eventually(const std::function<bool()>& condition, std::chrono::milliseconds limit);

}  // namespace etcdsync::test
