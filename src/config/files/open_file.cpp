// SPDX-License-Identifier: Apache-2.0
#include "config/files/open_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace etcdsync::config {

opened_file::~opened_file() {
    if (number_ >= 0) ::close(number_);
}

base::result<opened_file> open_file(const std::string& path) {
    const int number = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (number < 0) return base::error(std::strerror(errno));
    struct stat about {};
    const bool known = ::fstat(number, &about) == 0;
    opened_file file(number, about);
    if (!known) return base::error(std::strerror(errno));
    if (S_ISDIR(about.st_mode)) return base::error(std::strerror(EISDIR));
    if (!S_ISREG(about.st_mode)) return base::error("it is not a regular file");
    return file;
}

}  // namespace etcdsync::config
