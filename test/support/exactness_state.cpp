// SPDX-License-Identifier: Apache-2.0
#include "support/exactness_state.hpp"

#include "base/escape.hpp"
#include "support/exact.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace etcdsync::test {
namespace {

std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31U);
}

std::uint64_t hash_of(std::string_view key, std::string_view value) {
    std::uint64_t h = 0xcbf29ce484222325ULL + key.size();
    for (const std::string_view part : {key, value}) {
        for (const char c : part) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    return mixed(h);
}

std::string member(const std::string& json, std::string_view name) {
    auto found = json_member(json, name);
    if (!found) throw std::runtime_error(fmt::format("the checkpoint has no \"{}\"", name));
    return std::move(*found);
}

}  // namespace

void hashed_keys::put(const std::string& key, const std::string& value) {
    remove(key);
    keys_.emplace(key, value);
    hash_ += hash_of(key, value);
}

void hashed_keys::remove(const std::string& key) {
    const auto at = keys_.find(key);
    if (at == keys_.end()) return;
    hash_ -= hash_of(at->first, at->second);
    keys_.erase(at);
}

void master_view::move_to(std::int64_t revision) {
    for (; !rest_.empty() && rest_.front().revision <= revision; rest_ = rest_.subspan(1)) {
        const change& c = rest_.front();
        const auto key = (*map_)(c.key);
        if (!key) continue;
        last_change_[*key] = c.revision;
        moved_.emplace(*key, &c);
        if (c.is_put) {
            keys_.put(*key, c.value);
        } else {
            keys_.remove(*key);
        }
    }
}

bool master_view::applied_change(const change& of_slave) const {
    const auto [first, last] = moved_.equal_range(of_slave.key);
    return std::any_of(first, last, [&](const auto& at) {
        const change& c = *at.second;
        return c.is_put == of_slave.is_put && (!c.is_put || c.value == of_slave.value);
    });
}

checkpoint_record parse_checkpoint(const std::string& json) {
    checkpoint_record out;
    out.revision = std::atoll(member(json, "revision").c_str());
    out.state = json_member(json, "state").value_or("follow");
    out.pass = json_member(json, "pass").value_or("none");
    out.writer = member(json, "writer");
    if (!base::base64_decode(json_member(json, "frontier_b64").value_or(""), out.frontier))
        throw std::runtime_error("the frontier is not base64");
    return out;
}

}  // namespace etcdsync::test
