// SPDX-License-Identifier: Apache-2.0
#include "replication/link/rival_watch.hpp"

#include "replication/link/slave_session.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::replication;
using namespace std::chrono_literals;

namespace {

const aio::clock::time_point start{1h};
constexpr auto patience = refresh_interval + 1min;

checkpoint written_by(std::string writer, std::uint64_t seq) {
    checkpoint out;
    out.writer = std::move(writer);
    out.seq = seq;
    return out;
}

}  // namespace

TEST_CASE("before the first write of this process no other writer is a rival") {
    rival_watch watch("me");
    CHECK_FALSE(watch.is_at_work(written_by("other", 7), start, patience));
}

TEST_CASE("a checkpoint of another writer that is not older than the last one of this process indicates a rival") {
    rival_watch watch("me");
    watch.note_written(5);
    CHECK(watch.is_at_work(written_by("other", 5), start, patience));
    CHECK(watch.is_at_work(written_by("other", 6), start, patience));
    CHECK_FALSE(watch.is_at_work(written_by("other", 4), start, patience));
    CHECK_FALSE(watch.is_at_work(written_by("me", 9), start, patience));
    CHECK_FALSE(watch.is_at_work(written_by("", 9), start, patience));
}

TEST_CASE("a rival that is silent for longer than a refresh interval no longer counts") {
    rival_watch watch("me");
    watch.note_written(5);
    const checkpoint stored = written_by("other", 6);
    CHECK(watch.is_at_work(stored, start, patience));
    CHECK(watch.is_at_work(stored, start + refresh_interval, patience));
    CHECK_FALSE(watch.is_at_work(stored, start + refresh_interval + 1min, patience));
}

TEST_CASE("each new checkpoint of a rival restarts the interval, and so does another rival") {
    rival_watch watch("me");
    watch.note_written(5);
    CHECK(watch.is_at_work(written_by("other", 6), start, patience));
    const auto later = start + refresh_interval;
    CHECK(watch.is_at_work(written_by("other", 7), later, patience));
    CHECK(watch.is_at_work(written_by("other", 7), later + refresh_interval, patience));
    CHECK(watch.is_at_work(written_by("third", 7), later + 2 * refresh_interval, patience));
    CHECK(watch.is_at_work(written_by("third", 7), later + 3 * refresh_interval, patience));
}

TEST_CASE("a process that starts held takes a writer that comes later for one at work, until that clears its name") {
    rival_watch us("us");
    checkpoint found;
    found.writer = "dead";
    found.seq = 9;
    const aio::clock::time_point now{};
    CHECK_FALSE(us.is_at_work(found, now, patience));
    us.note_held(found);
    CHECK_FALSE(us.is_at_work(found, now, patience));
    checkpoint job = found;
    job.writer = "job";
    job.seq = 10;
    CHECK(us.is_at_work(job, now, patience));
    us.note_held(job);  // held once more, by the job
    CHECK(us.is_at_work(job, now + std::chrono::minutes(1), patience));
    checkpoint done = job;
    done.writer.clear();
    CHECK_FALSE(us.is_at_work(done, now + std::chrono::minutes(2), patience));
    CHECK_FALSE(us.is_at_work(job, now + std::chrono::minutes(20), patience));  // silent for so long
}
