// SPDX-License-Identifier: Apache-2.0
#include "../asio/pch_asio.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>
