// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/commands/settings.hpp"
#include "app/render/answer.hpp"

#include <boost/json/object.hpp>

namespace etcdsync::app {

/// `check-config` without --connect.
struct offline_check {
    loaded_config loaded;
    answer reply;
};
[[nodiscard]] offline_check check_offline(const options& asked, const process_environment& around);

/// Its JSON.
[[nodiscard]] boost::json::object config_report(const loaded_config& loaded);

}  // namespace etcdsync::app
