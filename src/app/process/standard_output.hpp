// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/output.hpp"
#include "observe/console.hpp"

namespace etcdsync::app {

/// stdout and stderr of this process. Results may be more than memory holds, and slower than their reader.
class standard_output final : public output {
public:
    /// `beside` writes to the same terminal: its progress bar is removed before each write. Ignores SIGPIPE: the write reports a
    /// reader that is gone.
    explicit standard_output(observe::console* beside = nullptr);

    bool write(std::string_view text) override;
    bool flush() override;
    [[nodiscard]] breakage broken_by() const override;
    [[nodiscard]] std::string cause() const override;
    void complain(std::string_view lines) override;
    void warn(std::string_view lines) override;

private:
    void note_failure();
    void clear_bar() {
        if (console_ != nullptr) console_->clear_bar();
    }

    observe::console* console_;
    bool one_file_;  ///< stdout and stderr are the same
    int error_ = 0;  ///< errno of the first failure; 0: none
};

}  // namespace etcdsync::app
