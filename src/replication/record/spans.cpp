// SPDX-License-Identifier: Apache-2.0
#include "replication/record/spans.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {

std::vector<span> spans_for(const mapping& keys, const std::vector<span>& old, revision since_now) {
    std::vector<span> spans;
    for (const segment& part : keys.segments()) {
        std::vector<keys::key_range> fresh{part.target};
        for (const span& before : old) {
            if (const auto shared = keys::intersect(part.target, before.keys)) spans.push_back({*shared, before.since});
            std::vector<keys::key_range> left;
            for (const keys::key_range& range : fresh) {
                for (keys::key_range& rest : keys::subtract(range, before.keys)) left.push_back(std::move(rest));
            }
            fresh = std::move(left);
        }
        for (keys::key_range& range : fresh) spans.push_back({std::move(range), since_now});
    }
    std::sort(spans.begin(), spans.end(), [](const span& a, const span& b) { return a.keys.begin < b.keys.begin; });
    return spans;
}

bool is_foreign(const std::vector<span>& spans, std::string_view key, revision mod_revision) {
    for (const span& s : spans) {
        if (s.keys.contains(key)) return mod_revision <= s.since;
    }
    return true;  // in no span
}

}  // namespace etcdsync::replication
