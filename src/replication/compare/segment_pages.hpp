// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "replication/compare/page_reader.hpp"
#include "replication/mapping/segments.hpp"

#include <deque>
#include <string>
#include <vector>

namespace etcdsync::replication {

/// The pages of one segment after the other, of both sides. The first pages of the next segments are requested in advance:
/// otherwise a full sync with many rules would wait for two answers per rule.
class segment_pages {
public:
    struct side {
        etcd::kv& from;
        page_reader::options how;
    };

    /// Starts at `frontier`, a key of the slave. `segments` and the connections of the sides outlive this.
    segment_pages(const side& master, const side& slave, aio::task_group& tasks, const std::vector<segment>& segments,
                  std::string frontier);

    /// One segment and its readers.
    struct part {
        part(const segment_pages& of, const segment& what);

        const segment& where;
        std::string begin;  ///< the first key of the slave to compare
        page_reader master;
        page_reader slave;
    };

    /// The next segment that does not end below the frontier, valid until the next call; null at the end.
    [[nodiscard]] part* next();

private:
    side master_;
    side slave_;
    aio::task_group* tasks_;
    std::string frontier_;
    std::vector<segment>::const_iterator unopened_;
    std::vector<segment>::const_iterator end_;
    std::deque<part> open_;  ///< the one that next() returned, and those that are read ahead
    bool started_ = false;
};

}  // namespace etcdsync::replication
