// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::observe {

/// The only writer to stderr while the daemon runs: log lines, and the progress bar below them. It
/// never blocks: output that cannot be written at once (a full pipe, a stopped terminal, no reader)
/// is dropped. SIGPIPE must be ignored.
class console {
public:
    /// `fd` must stay open for the life of the console.
    explicit console(int fd) : fd_(fd) {}
    console(const console&) = delete;
    ~console() { clear_bar(); }

    /// Writes whole lines, above the bar if one is shown. Returns false if some or all of the bytes
    /// were dropped.
    bool write(std::string_view lines);

    /// Shows a bar of these lines in place of the previous one.
    void show_bar(const std::vector<std::string>& lines);
    void clear_bar();

    /// Columns of the terminal; 80 if unknown.
    [[nodiscard]] std::size_t width() const;

private:
    /// The terminal codes that erase the bar; empty if none is shown.
    [[nodiscard]] std::string erase_bar() const;
    bool send(std::string_view bytes);

    int fd_;
    std::vector<std::string> bar_;
    bool line_cut_ = false;  ///< the next write must begin with a line end
};

}  // namespace etcdsync::observe
