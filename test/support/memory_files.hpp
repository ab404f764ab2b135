// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"

#include <map>
#include <string>
#include <utility>

namespace etcdsync::test {

/// Files in memory, by absolute path.
class memory_files final : public base::file_reader {
public:
    void put(const std::string& path, std::string bytes) {
        entry& file = files_[path];
        file.bytes = std::move(bytes);
        ++file.version;
    }
    void remove(const std::string& path) { files_.erase(path); }

    [[nodiscard]] base::result<base::file_content> read_regular(const std::string& path,
                                                                std::size_t most) const override {
        const auto found = files_.find(path);
        if (found == files_.end()) return base::error("No such file or directory");
        return base::file_content{found->second.bytes.substr(0, most), false};
    }
    [[nodiscard]] base::result<base::file_content> read_any(const std::string& path, std::size_t most) const override {
        return read_regular(path, most);
    }
    [[nodiscard]] bool exists(const std::string& path) const override { return files_.contains(path); }
    [[nodiscard]] std::string absolute(const std::string& path) const override {
        return path.starts_with('/') ? path : "/" + path;
    }
    [[nodiscard]] std::string stamp(const std::string& path) const override {
        const auto found = files_.find(path);
        return found == files_.end() ? "" : std::to_string(found->second.version);
    }

private:
    struct entry {
        std::string bytes;
        int version = 0;
    };
    std::map<std::string, entry> files_;
};

}  // namespace etcdsync::test
