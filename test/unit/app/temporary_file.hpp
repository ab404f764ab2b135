// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>

namespace etcdsync::test {

/// A file with this content. The destructor removes it.
class temporary_file {
public:
    explicit temporary_file(std::string_view content) {
        const int fd = ::mkstemp(path_.data());
        if (fd < 0 || ::write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
            throw std::runtime_error("temporary file");
        }
        ::close(fd);
    }
    temporary_file(const temporary_file&) = delete;
    ~temporary_file() { ::unlink(path_.c_str()); }

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/etcd-sync-test-XXXXXX";
};

}  // namespace etcdsync::test
