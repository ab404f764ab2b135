// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <string>
#include <sys/stat.h>
#include <utility>

namespace etcdsync::config {

/// A regular file, open for reading.
class opened_file {
public:
    opened_file(int number, const struct stat& about) : number_(number), about_(about) {}
    opened_file(opened_file&& other) noexcept : number_(std::exchange(other.number_, -1)), about_(other.about_) {}
    ~opened_file();

    [[nodiscard]] int number() const { return number_; }
    /// True if users other than its owner may read it.
    [[nodiscard]] bool is_open_to_others() const { return (about_.st_mode & (S_IRGRP | S_IROTH)) != 0; }

private:
    int number_;
    struct stat about_;
};

/// Opens `path` without blocking, whatever kind of file it is. The error says only why it failed.
[[nodiscard]] base::result<opened_file> open_file(const std::string& path);

}  // namespace etcdsync::config
