// SPDX-License-Identifier: Apache-2.0
#include "observe/console.hpp"

#include "unit/observe/pipe.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;

TEST_CASE("a log line goes above the bar") {
    test::pipe err;
    observe::console console(err.writer());
    CHECK(console.write("first\n"));
    console.show_bar({"bar 1"});
    CHECK(console.write("second\n"));
    console.show_bar({"bar 2"});
    console.clear_bar();
    console.clear_bar();
    CHECK(console.write("third\n"));
    CHECK(err.drain() == "first\nbar 1\r\x1b[Jsecond\nbar 1\r\x1b[Jbar 2\r\x1b[Jthird\n");
}

TEST_CASE("a bar of several lines is redrawn from its first line") {
    test::pipe err;
    {
        observe::console console(err.writer());
        console.show_bar({"a", "b", "c"});
        console.show_bar({"a"});
        console.show_bar({"a", "b"});
        console.show_bar({});
        console.show_bar({"left"});
    }
    CHECK(err.drain() == "a\nb\nc\r\x1b[2A\x1b[Ja\r\x1b[Ja\nb\r\x1b[1A\x1b[Jleft\r\x1b[J");
}

TEST_CASE("a slow or missing reader loses lines, and nothing waits for it") {
    test::pipe err;
    observe::console console(err.writer());
    const std::string line(999, 'x');
    int written = 0;
    while (written < 1000 && console.write(line + "\n")) ++written;  // would hang here
    CHECK(written > 10);
    CHECK(written < 1000);
    CHECK_FALSE(console.write("lost\n"));
    CHECK(err.drain().find("lost") == std::string::npos);
    CHECK(console.write("back\n"));
    CHECK(err.drain().ends_with("back\n"));
    err.close_reader();
    CHECK_FALSE(console.write("no reader\n"));
}

TEST_CASE("after a line that was cut, the next one starts on a line of its own") {
    test::pipe err;
    observe::console console(err.writer());
    CHECK_FALSE(console.write(std::string(1 << 20, 'x') + "\n"));
    const std::string cut = err.drain();
    CHECK(cut.size() > 4096);
    CHECK(cut.back() == 'x');
    CHECK(console.write("next\n"));
    CHECK(console.write("more\n"));
    CHECK(err.drain() == "\nnext\nmore\n");
}

TEST_CASE("without a terminal, lines are 80 columns wide") {
    test::pipe err;
    CHECK(observe::console(err.writer()).width() == 80);
}
