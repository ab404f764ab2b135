// SPDX-License-Identifier: Apache-2.0
#include "app/commands/build_info.hpp"
#include "app/commands/commands.hpp"
#include "app/render/json.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>
#include <nghttp2/nghttp2.h>

#include <array>
#include <utility>

namespace etcdsync::app {
namespace {

using library = std::pair<std::string_view, std::string_view>;

std::array<library, 6> libraries() {
    return {{{"boost", build_info::boost},
             {"nghttp2", ::nghttp2_version(0)->version_str},  // the one that is loaded
             {"protobuf", build_info::protobuf},
             {"fmt", build_info::fmt},
             {"tomlplusplus", build_info::tomlplusplus},
             {"cli11", build_info::cli11}}};
}

std::string as_json() {
    boost::json::object out;
    out["schema"] = 1;
    out["exit_code"] = static_cast<int>(exit_code::ok);
    out["slaves"] = boost::json::array();
    out["version"] = build_info::version;
    out["compiler"] = build_info::compiler;
    out["build_type"] = build_info::build_type;
    boost::json::object used;
    for (const auto& [name, number] : libraries()) used[name] = number;
    out["libraries"] = std::move(used);
    return to_line(out);
}

}  // namespace

answer version(const options& asked) {
    if (asked.format != output_format::table) return {.out = as_json()};
    std::string out = fmt::format("etcd-sync {}\n", build_info::version);
    if (asked.verbose == 0) return {.out = std::move(out)};
    out += fmt::format("compiler      {}\nbuild type    {}\n", build_info::compiler, build_info::build_type);
    for (const auto& [name, number] : libraries()) out += fmt::format("{:<12}  {}\n", name, number);
    return {.out = std::move(out)};
}

}  // namespace etcdsync::app
