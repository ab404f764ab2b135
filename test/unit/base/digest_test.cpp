// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <doctest/doctest.h>

using etcdsync::base::digest;

TEST_CASE("a digest is the same in every version, because checkpoints hold it") {
    digest d;
    CHECK(d.hex() == "cbf29ce484222325");
    d.add("key");
    d.add(std::uint64_t{42});
    CHECK(d.hex() == "e7c678dbf88e37f7");
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
