// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::observe {

/// The one owner of stderr while the daemon runs: log lines and the progress bar below them. It never waits: what the
/// other side does not take at once (a full pipe, a stopped terminal, nobody) is dropped. SIGPIPE must be ignored.
class console {
public:
    /// `fd` stays open for the life of the console.
    explicit console(int fd) : fd_(fd) {}
    console(const console&) = delete;
    ~console() { clear_bar(); }

    /// Writes whole lines, above the bar where one stands. False where they were lost, in whole or in part.
    bool write(std::string_view lines);

    /// Shows this bar, a line each, in the place of the one before.
    void show_bar(const std::vector<std::string>& lines);
    void clear_bar();

    /// Columns of the terminal; 80 where nobody says.
    [[nodiscard]] std::size_t width() const;

private:
    [[nodiscard]] std::string erasure() const;
    bool send(std::string_view bytes);

    int fd_;
    std::vector<std::string> bar_;
    bool torn_ = false;  ///< the last line was cut: the next one needs a line end first
};

}  // namespace etcdsync::observe
