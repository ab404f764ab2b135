// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file_reader.hpp"

namespace etcdsync::app {

/// The files of this machine.
class system_files final : public base::file_reader {
public:
    [[nodiscard]] base::result<base::file_content> read_regular(const std::string& path,
                                                                std::size_t most) const override;
    [[nodiscard]] base::result<base::file_content> read_any(const std::string& path, std::size_t most) const override;
    [[nodiscard]] bool exists(const std::string& path) const override;
    [[nodiscard]] std::string absolute(const std::string& path) const override;
    [[nodiscard]] std::string stamp(const std::string& path) const override;
};

}  // namespace etcdsync::app
