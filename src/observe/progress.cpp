// SPDX-License-Identifier: Apache-2.0
#include "observe/progress.hpp"

#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace etcdsync::observe {
namespace {

/// Few sizes, because a bar whose length changes with every digit flickers.
constexpr std::array<std::size_t, 3> bar_lengths{26, 13, 6};
constexpr std::chrono::seconds rate_window{10};

/// Keys may be added during the work: never above 100, and 100 only when everything is done.
unsigned percent(const progress& at) {
    if (at.done >= at.total) return 100;
    return static_cast<unsigned>(static_cast<double>(at.done) * 100.0 / static_cast<double>(at.total));
}

std::string bar(const progress& at, std::size_t cells) {
    if (at.total == 0) return std::string(cells, '-');
    const std::size_t full = percent(at) * cells / 100;
    if (full >= cells) return std::string(cells, '#');
    return std::string(full, '#') + '>' + std::string(cells - full - 1, '-');
}

std::string keys(const progress& at) {
    if (at.total == 0) return fmt::format("{}", at.done);
    return fmt::format("{}/{}", at.done, at.total);
}

std::string rate(double per_second) {
    if (per_second < 1000) return fmt::format("{:.0f}/s", per_second);
    if (per_second < 1e6) return fmt::format("{:.1f}k/s", per_second / 1e3);
    return fmt::format("{:.1f}M/s", per_second / 1e6);
}

std::optional<std::string> time_left(const progress& at) {
    if (at.done >= at.total || at.rate <= 0) return std::nullopt;
    const double seconds = std::max(1.0, static_cast<double>(at.total - at.done) / at.rate);
    constexpr double longest = 365.0 * 86400;
    return base::format_duration(std::chrono::seconds(std::llround(std::min(seconds, longest))));
}

}  // namespace

std::string bar_line(const progress& at, std::size_t name_width, std::size_t width) {
    const std::string share = at.total == 0 ? "?" : fmt::format("{}", percent(at));
    std::string tail = fmt::format("{:>3}%  {} keys  {}", share, keys(at), base::format_bytes(at.bytes));
    if (at.rate > 0) tail.append("  ").append(rate(at.rate));
    if (const auto left = time_left(at)) tail.append("  ETA ").append(*left);
    std::string out;
    for (const std::size_t cells : bar_lengths) {
        out = fmt::format("{:<{}}  [{}]{}", at.name, name_width, bar(at, cells), tail);
        if (out.size() < width) return out;  // some terminals wrap after the last column
    }
    out.resize(width > 0 ? width - 1 : 0);
    return out;
}

std::string plain_line(const progress& at) {
    const std::string share = at.total == 0 ? "" : fmt::format("{}% ", percent(at));
    const auto left = time_left(at);
    return fmt::format("{} {} {}{} keys {}{}", at.name, at.what, share, keys(at), base::format_bytes(at.bytes),
                       left ? " eta=" + *left : "");
}

double rate_meter::update(time_point now, std::uint64_t done) {
    if (!samples_.empty() && done < samples_.back().second) samples_.clear();
    // The oldest sample kept is the newest of those that are at least one window old.
    while (samples_.size() > 1 && now - samples_[1].first >= rate_window) samples_.pop_front();
    // Five samples per second are enough for five frames per second, and limit the memory.
    if (samples_.empty() || now - samples_.back().first >= std::chrono::milliseconds(200))
        samples_.emplace_back(now, done);
    const auto& [since, before] = samples_.front();
    const double seconds = std::chrono::duration<double>(now - since).count();
    return seconds < 0.5 ? 0 : static_cast<double>(done - before) / seconds;
}

}  // namespace etcdsync::observe
