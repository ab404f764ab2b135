// SPDX-License-Identifier: Apache-2.0
#include "replication/compare/segment_pages.hpp"

#include <algorithm>
#include <utility>

namespace etcdsync::replication {
namespace {

/// Enough to keep both sides busy. The pages in advance together are as large as one page.
constexpr std::size_t segments_ahead = 8;

page_reader::options with_small_first_page(page_reader::options how) {
    how.first_page_bytes = how.page_bytes / segments_ahead;
    return how;
}

/// Where the comparison of a segment starts on the master, if it starts at `begin` on the slave.
std::string master_begin(const segment& where, const std::string& begin) {
    if (begin <= where.target.begin) return where.source.begin;
    return keys::map_key(begin, where.keys.dest, where.keys.strip);
}

}  // namespace

segment_pages::part::part(const segment_pages& of, const segment& what)
    : where(what), begin(std::max(of.frontier_, what.target.begin)),
      master(of.master_.from, *of.tasks_, what.source, of.master_.how),
      slave(of.slave_.from, *of.tasks_, what.target, of.slave_.how) {
    master.begin(master_begin(what, begin));
    slave.begin(begin);
}

segment_pages::segment_pages(const side& master, const side& slave, aio::task_group& tasks,
                             const std::vector<segment>& segments, std::string frontier)
    : master_(master), slave_(slave), tasks_(&tasks), frontier_(std::move(frontier)), unopened_(segments.begin()),
      end_(segments.end()) {
    const auto is_compared = [this](const segment& one) {
        return !one.target.end.empty() && one.target.end <= frontier_;
    };
    unopened_ = std::find_if_not(unopened_, end_, is_compared);
    if (segments.size() == 1) return;
    master_.how = with_small_first_page(master_.how);
    slave_.how = with_small_first_page(slave_.how);
}

segment_pages::part* segment_pages::next() {
    if (std::exchange(started_, true) && !open_.empty()) open_.pop_front();
    for (; unopened_ != end_ && open_.size() <= segments_ahead; ++unopened_) open_.emplace_back(*this, *unopened_);
    return open_.empty() ? nullptr : &open_.front();
}

}  // namespace etcdsync::replication
