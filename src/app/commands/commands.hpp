// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/cli/options.hpp"
#include "app/daemon/process_environment.hpp"
#include "app/render/answer.hpp"
#include "base/file_reader.hpp"
#include "config/config.hpp"

#include <string_view>

namespace etcdsync::app {

/// `check-config`: would `run` start with this file?
[[nodiscard]] answer check_config(const options& asked, const process_environment& around,
                                  const base::file_reader& files);

/// `check-config --connect`: and would the clusters let it do its work?
[[nodiscard]] exit_code check_connections(const options& asked, const process_environment& around,
                                          const base::file_reader& files);

/// `explain KEY`: which rule takes a key of the master, and where it goes on each slave.
[[nodiscard]] answer explain(const options& asked, const process_environment& around, const base::file_reader& files);

/// The same for a configuration that is read already.
[[nodiscard]] answer explain_key(const config::config& settings, std::string_view key, output_format format);

/// `version`.
[[nodiscard]] answer version(const options& asked);

/// `run`: the daemon, until a signal ends it.
[[nodiscard]] exit_code run(const options& asked, const process_environment& around, const base::file_reader& files);

/// `sync`: one full sync of all slaves, or of some.
[[nodiscard]] exit_code sync(const options& asked, const process_environment& around, const base::file_reader& files);

/// `verify`, and `sync --dry-run`: compares; writes only with --repair.
[[nodiscard]] exit_code verify(const options& asked, const process_environment& around, const base::file_reader& files);

}  // namespace etcdsync::app
