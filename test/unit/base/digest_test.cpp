// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <doctest/doctest.h>

using etcdsync::base::digest;

TEST_CASE("a digest is the same in every version, because checkpoints hold it") {
    digest d;
    CHECK(d.hex() == "0000000000000000");
    d.add("key");
    d.add(std::uint64_t{42});
    CHECK(d.hex() == "18907a2311132bc2");
}

TEST_CASE("the boundaries between parts are part of the digest") {
    digest a;
    a.add("a");
    a.add("bc");
    digest b;
    b.add("ab");
    b.add("c");
    CHECK(a.value() != b.value());
}
