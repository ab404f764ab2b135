// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "grpc/framing.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace etcdsync::grpc {

/// Reassembles messages and checks the order of the callbacks.
class collector : public message_sink {
public:
    std::vector<std::string> messages;
    std::vector<std::size_t> sizes;
    bool inside = false;

    void on_message_begin(std::size_t size) override {
        CHECK_FALSE(inside);
        inside = true;
        sizes.push_back(size);
        messages.emplace_back();
    }
    void on_message_bytes(std::string_view bytes) override {
        CHECK(inside);
        CHECK_FALSE(bytes.empty());
        messages.back() += bytes;
    }
    void on_message_end() override {
        CHECK(inside);
        CHECK(messages.back().size() == sizes.back());
        inside = false;
    }
};

}  // namespace etcdsync::grpc
