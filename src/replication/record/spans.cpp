// SPDX-License-Identifier: Apache-2.0
#include "replication/record/spans.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace etcdsync::replication {

namespace {

using keys::key_range;

/// Where a span begins or ends.
struct border {
    const std::string* key;
    revision since;
    bool begins;
};

std::vector<border> borders_of(const std::vector<span>& spans) {
    std::vector<border> out;
    for (const span& each : spans) {
        if (each.keys.empty()) continue;
        out.push_back({&each.keys.begin, each.since, true});
        if (!each.keys.end.empty()) out.push_back({&each.keys.end, each.since, false});
    }
    std::sort(out.begin(), out.end(), [](const border& a, const border& b) { return *a.key < *b.key; });
    return out;
}

void append(std::vector<span>& to, key_range piece, revision since) {
    const bool continues = !to.empty() && to.back().keys.end == piece.begin && to.back().since == since;
    if (continues) {
        to.back().keys.end = std::move(piece.end);
    } else {
        to.push_back({std::move(piece), since});
    }
}

}  // namespace

std::vector<span> merge_spans(const std::vector<span>& spans) {
    std::vector<span> out;
    std::multiset<revision> open;  // `since` of the spans that contain the keys from `at` on
    const std::vector<border> borders = borders_of(spans);
    for (auto at = borders.begin(); at != borders.end();) {
        const std::string& begin = *at->key;
        for (; at != borders.end() && *at->key == begin; ++at) {
            if (at->begins)
                open.insert(at->since);
            else
                open.erase(open.find(at->since));
        }
        if (open.empty()) continue;
        const std::string end = at == borders.end() ? std::string() : *at->key;
        append(out, key_range{begin, end}, *open.rbegin());
    }
    return out;
}

std::vector<span> parts_within(const std::vector<span>& spans, const key_range& within) {
    const auto ends_before = [&](const span& each) { return !each.keys.end.empty() && each.keys.end <= within.begin; };
    std::vector<span> out;
    for (auto at = std::partition_point(spans.begin(), spans.end(), ends_before); at != spans.end(); ++at) {
        if (!within.end.empty() && at->keys.begin >= within.end) break;
        if (auto shared = keys::intersect(at->keys, within)) out.push_back({*std::move(shared), at->since});
    }
    return out;
}

std::vector<span> spans_for(const mapping& keys, const std::vector<span>& old, revision since_now) {
    const std::vector<span> known = merge_spans(old);
    std::vector<span> spans;
    for (const segment& part : keys.segments()) {
        std::optional<key_range> rest = part.target;  // what no old span covered yet
        for (span& before : parts_within(known, part.target)) {
            if (rest->begin < before.keys.begin) spans.push_back({{rest->begin, before.keys.begin}, since_now});
            const bool to_the_end = before.keys.end == part.target.end;
            if (to_the_end)
                rest.reset();
            else
                rest->begin = before.keys.end;
            spans.push_back(std::move(before));
        }
        if (rest) spans.push_back({*std::move(rest), since_now});
    }
    std::sort(spans.begin(), spans.end(), [](const span& a, const span& b) { return a.keys.begin < b.keys.begin; });
    return spans;
}

bool is_foreign(const std::vector<span>& spans, std::string_view key, revision mod_revision) {
    const auto ends_before = [key](const span& each) { return !each.keys.end.empty() && each.keys.end <= key; };
    const auto at = std::partition_point(spans.begin(), spans.end(), ends_before);
    if (at == spans.end() || !at->keys.contains(key)) return true;  // in no span
    return mod_revision <= at->since;
}

}  // namespace etcdsync::replication
