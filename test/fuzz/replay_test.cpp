// SPDX-License-Identifier: Apache-2.0
// Replays the corpus of the fuzz targets in every build, with a few mutations of each input.
#include "base/random.hpp"
#include "entries.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace etcdsync;

namespace {

std::vector<std::pair<std::string, std::string>> corpus_of(std::string_view target) {
    const char* const corpus = std::getenv("ETCDSYNC_CORPUS");
    REQUIRE(corpus != nullptr);
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& file : std::filesystem::directory_iterator(std::filesystem::path(corpus) / target)) {
        std::ifstream in(file.path(), std::ios::binary);
        out.emplace_back(file.path().filename(), std::string(std::istreambuf_iterator<char>(in), {}));
    }
    return out;
}

/// A few mutations as in libFuzzer: changes, removes and repeats bytes, or truncates.
std::string mutated(std::string input, base::random_source& random) {
    for (std::uint64_t n = 1 + random.next() % 3; n > 0 && !input.empty(); --n) {
        const std::size_t at = random.next() % input.size();
        const std::size_t size = 1 + random.next() % 8;
        switch (random.next() % 4) {
            case 0: input[at] = static_cast<char>(random.next()); break;
            case 1: input.erase(at, size); break;
            case 2: input.insert(at, input.substr(at, size)); break;
            default: input.resize(at);
        }
    }
    return input;
}

}  // namespace

TEST_CASE("the corpus and small mutations of it meet every requirement") {
    constexpr int mutations = 50;
    base::random_source random(7);
    for (const fuzz::target& one : fuzz::targets) {
        const std::string target(one.name);
        CAPTURE(target);
        const auto inputs = corpus_of(one.name);
        CHECK(inputs.size() >= 3);
        for (const auto& [file, bytes] : inputs) {
            const std::string name(file);  // clang 14 cannot capture a structured binding
            CAPTURE(name);
            CHECK_NOTHROW(one.run(bytes));
            for (int i = 0; i < mutations; ++i) {
                CAPTURE(i);
                CHECK_NOTHROW(one.run(mutated(bytes, random)));
            }
        }
    }
}
