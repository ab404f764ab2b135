// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/settings.hpp"
#include "app/render/answer.hpp"
#include "base/file_reader.hpp"

#include <boost/json/object.hpp>

namespace etcdsync::app {

/// The part of `check-config` that connects to no etcd.
struct offline_check {
    loaded_config loaded;
    answer reply;
};
[[nodiscard]] offline_check check_offline(const options& asked, const process_environment& around,
                                          const base::file_reader& files);

/// Its JSON output.
[[nodiscard]] boost::json::object config_report(const loaded_config& loaded, exit_code code);

}  // namespace etcdsync::app
