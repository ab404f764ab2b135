// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/output.hpp"

#include <string>

namespace etcdsync::test {

/// Keeps what a command writes.
class memory_output final : public app::output {
public:
    bool write(std::string_view text) override {
        out += text;
        return !broken_;
    }
    bool flush() override { return !broken_; }
    [[nodiscard]] bool broken() const override { return broken_; }
    void complain(std::string_view lines) override { err += lines; }

    /// Closes stdout on the reader's side.
    void close() { broken_ = true; }

    std::string out;
    std::string err;

private:
    bool broken_ = false;
};

}  // namespace etcdsync::test
