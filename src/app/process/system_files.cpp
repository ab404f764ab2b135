// SPDX-License-Identifier: Apache-2.0
#include "app/process/system_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace etcdsync::app {
namespace {

base::error last_error() { return base::error(std::strerror(errno)); }

/// An open file.
class descriptor {
public:
    descriptor(const std::string& path, int flags) : number_(::open(path.c_str(), flags | O_RDONLY | O_CLOEXEC)) {}
    descriptor(const descriptor&) = delete;
    ~descriptor() {
        if (is_open()) ::close(number_);
    }

    [[nodiscard]] bool is_open() const { return number_ >= 0; }

    base::result<base::file_content> read(std::size_t most, const struct stat& about) const {
        base::file_content out;
        out.readable_by_others = (about.st_mode & (S_IRGRP | S_IROTH)) != 0;
        char block[16384];
        while (out.bytes.size() < most) {
            const ssize_t got = ::read(number_, block, std::min(sizeof block, most - out.bytes.size()));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return last_error();
            if (got == 0) break;
            out.bytes.append(block, static_cast<std::size_t>(got));
        }
        return out;
    }

    bool look(struct stat& about) const { return ::fstat(number_, &about) == 0; }

private:
    int number_;
};

}  // namespace

base::result<base::file_content> system_files::read_regular(const std::string& path, std::size_t most) const {
    const descriptor file(path, O_NONBLOCK | O_NOCTTY);
    struct stat about {};
    if (!file.is_open() || !file.look(about)) return last_error();
    if (S_ISDIR(about.st_mode)) return base::error(std::strerror(EISDIR));
    if (!S_ISREG(about.st_mode)) return base::error("it is not a regular file");
    return file.read(most, about);
}

base::result<base::file_content> system_files::read_any(const std::string& path, std::size_t most) const {
    const descriptor file(path, 0);
    struct stat about {};
    if (!file.is_open() || !file.look(about)) return last_error();
    return file.read(most, about);
}

bool system_files::exists(const std::string& path) const {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

std::string system_files::absolute(const std::string& path) const {
    std::error_code failed;
    const std::filesystem::path out = std::filesystem::absolute(path, failed);
    return failed ? path : out.string();
}

std::string system_files::stamp(const std::string& path) const {
    struct stat at {};
    if (::stat(path.c_str(), &at) != 0) return "";
    return fmt::format("{}.{}.{}.{}.{}", at.st_dev, at.st_ino, at.st_size, at.st_mtim.tv_sec, at.st_mtim.tv_nsec);
}

}  // namespace etcdsync::app
