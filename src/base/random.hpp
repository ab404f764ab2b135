// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <random>
#include <string_view>

namespace etcdsync::base {

/// A seeded stream of random numbers. The seed comes from app/ (entropy) or from a test, so that a
/// run can be repeated. Not for secrets.
class random_source {
public:
    explicit random_source(std::uint64_t seed) : engine_(seed) {}

    std::uint64_t next() { return engine_(); }

    /// Uniform in [0, 1).
    double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

private:
    std::mt19937_64 engine_;
};

/// Independent streams of random numbers from one seed, one per consumer and by its name: a draw from one does not shift the
/// numbers of another. The same seed and name give the same stream.
class random_streams {
public:
    explicit random_streams(std::uint64_t seed) : seed_(seed) {}

    [[nodiscard]] random_source stream(std::string_view name) const {
        std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
        for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        return random_source(mixed(seed_ + mixed(hash)));
    }

private:
    /// splitmix64: neighboring inputs give unrelated outputs.
    [[nodiscard]] static std::uint64_t mixed(std::uint64_t x) {
        x += 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        return x ^ (x >> 31);
    }

    std::uint64_t seed_;
};

}  // namespace etcdsync::base
