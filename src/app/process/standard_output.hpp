// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/output.hpp"
#include "observe/console.hpp"

namespace etcdsync::app {

/// stdout and stderr of this process. Results may be more than memory holds, and slower than their reader.
class standard_output final : public output {
public:
    /// `beside` writes to the same terminal: its progress bar is removed before each write.
    explicit standard_output(observe::console* beside = nullptr) : console_(beside) {}

    bool write(std::string_view text) override;
    bool flush() override;
    [[nodiscard]] bool broken() const override { return broken_; }
    void complain(std::string_view lines) override;

private:
    void clear_bar() {
        if (console_ != nullptr) console_->clear_bar();
    }

    observe::console* console_;
    bool broken_ = false;
};

}  // namespace etcdsync::app
