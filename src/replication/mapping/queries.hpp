// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "etcd/kv.hpp"
#include "keys/key_range.hpp"

#include <string>

namespace etcdsync::replication {

/// An interval as etcd encodes it: key and range_end, with "\0" for "to the last key".
struct wire_range {
    explicit wire_range(const keys::key_range& range)
        : key(range.begin.empty() ? std::string(1, '\0') : range.begin),
          range_end(range.end.empty() ? std::string(1, '\0') : range.end) {}
    std::string key;
    std::string range_end;
};

/// A linearizable Range that reads almost nothing. Its purpose is the response header, and proof
/// that a quorum answers.
[[nodiscard]] inline etcd::range_query probe_query(const keys::key_range& range) {
    const wire_range wire(range);
    etcd::range_query query;
    query.key = wire.key;
    query.range_end = wire.range_end;
    query.limit = 1;
    query.keys_only = true;
    return query;
}

/// The smallest request that shows that a member serves: one key of the range, which need not
/// exist.
[[nodiscard]] inline etcd::range_query health_probe_query(const keys::key_range& range) {
    etcd::range_query query = probe_query(range);
    query.range_end.clear();
    return query;
}

}  // namespace etcdsync::replication
