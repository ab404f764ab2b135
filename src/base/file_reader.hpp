// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <string>

namespace etcdsync::base {

/// A file that was read.
struct file_content {
    std::string bytes;
    bool readable_by_others = false;  ///< users other than its owner may read it
};

/// Reads all files: the configuration, certificates, keys and passwords. It is injected: nothing else opens files. Errors only say
/// why ("No such file or directory"), not which file.
class file_reader {
public:
    virtual ~file_reader() = default;

    /// Reads at most `most` bytes of a regular file. Never waits, whatever the path names; anything but a regular file is an error.
    [[nodiscard]] virtual result<file_content> read_regular(const std::string& path, std::size_t most) const = 0;

    /// The same for any file that can be read, such as a pipe. May wait for its writer.
    [[nodiscard]] virtual result<file_content> read_any(const std::string& path, std::size_t most) const = 0;

    [[nodiscard]] virtual bool exists(const std::string& path) const = 0;

    /// The path from the root; `path` itself if that is unknown.
    [[nodiscard]] virtual std::string absolute(const std::string& path) const = 0;

    /// Changes when the file is replaced or written. Empty if there is no such file.
    [[nodiscard]] virtual std::string stamp(const std::string& path) const = 0;
};

}  // namespace etcdsync::base
