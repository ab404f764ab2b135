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
        return !broken();
    }
    bool flush() override { return !broken(); }
    [[nodiscard]] breakage broken_by() const override { return broken_; }
    [[nodiscard]] std::string cause() const override { return "full"; }
    void complain(std::string_view lines) override { err += lines; }
    void warn(std::string_view lines) override { err += lines; }

    /// Closes stdout on the reader's side.
    void close() { broken_ = breakage::reader_gone; }
    /// Nothing more can be written.
    void fill() { broken_ = breakage::failed; }

    std::string out;
    std::string err;

private:
    breakage broken_ = breakage::none;
};

}  // namespace etcdsync::test
