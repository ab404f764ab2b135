// SPDX-License-Identifier: Apache-2.0
#include "app/daemon/settings.hpp"

#include <doctest/doctest.h>

using namespace etcdsync;
using namespace etcdsync::app;

namespace {

process_environment with(std::map<std::string, std::string, std::less<>> variables) {
    process_environment around;
    around.variables = std::move(variables);
    return around;
}

}  // namespace

TEST_CASE("the configuration file is that of the flag, else the environment, else the default") {
    options asked;
    CHECK(config_path(asked, {}) == "/etc/etcd-sync/etcd-sync.toml");
    const process_environment around = with({{"ETCDSYNC_CONFIG", "/e.toml"}});
    CHECK(config_path(asked, around) == "/e.toml");
    CHECK(config_path(asked, with({{"ETCDSYNC_CONFIG", ""}})) == "/etc/etcd-sync/etcd-sync.toml");
    asked.config_file = "/f.toml";
    CHECK(config_path(asked, around) == "/f.toml");
}

TEST_CASE("the log level is that of the flag, else the environment, else the file") {
    options asked;
    CHECK(*chosen_log_level(asked, {}, config::log_level::error) == observe::log_level::error);
    const process_environment around = with({{"ETCDSYNC_LOG_LEVEL", "debug"}});
    CHECK(*chosen_log_level(asked, around, config::log_level::error) == observe::log_level::debug);
    asked.quiet = true;
    CHECK(*chosen_log_level(asked, around, config::log_level::error) == observe::log_level::warn);
    asked = {};
    asked.verbose = 1;
    CHECK(*chosen_log_level(asked, {}, config::log_level::error) == observe::log_level::debug);
    asked.verbose = 3;
    CHECK(*chosen_log_level(asked, {}, config::log_level::error) == observe::log_level::trace);
    CHECK(chosen_log_level({}, with({{"ETCDSYNC_LOG_LEVEL", "loud"}}), config::log_level::info).has_error());
}

TEST_CASE("the log format is JSON for --json run, else that of the file") {
    options asked;
    asked.what = command::run;
    CHECK(chosen_log_format(asked, config::log_format::automatic) == std::nullopt);
    CHECK(chosen_log_format(asked, config::log_format::text) == observe::log_format::text);
    CHECK(chosen_log_format(asked, config::log_format::json) == observe::log_format::json);
    asked.format = output_format::json;
    CHECK(chosen_log_format(asked, config::log_format::automatic) == observe::log_format::json);
    CHECK(chosen_log_format(asked, config::log_format::logfmt) == observe::log_format::json);
    asked.what = command::sync;
    CHECK(chosen_log_format(asked, config::log_format::automatic) == std::nullopt);
}

TEST_CASE("unknown variables with the prefix of etcd-sync are found") {
    const process_environment around = with({{"ETCDSYNC_ADMIN", "x"},
                                             {"ETCDSYNC_CONFIG", "x"},
                                             {"ETCDSYNC_CONFG", "x"},
                                             {"ETCDSYNC_LOG_LEVEL", "x"},
                                             {"ETCDSYNC_", "x"},
                                             {"ETCD_SYNC_PORT", "x"},
                                             {"HOME", "x"}});
    CHECK(unknown_variables(around) == std::vector<std::string>{"ETCDSYNC_", "ETCDSYNC_CONFG"});
}
