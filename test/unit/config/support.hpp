// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/files/load.hpp"
#include "config/toml/render.hpp"

#include <string>
#include <string_view>

namespace etcdsync::config {

/// Adds the parts that `text` lacks ([master], [[slave]], [[rule]]), so that the configuration is otherwise valid.
inline std::string around(std::string_view text) {
    const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
    // `text` is first, so that its lines are counted from 1.
    std::string whole(text);
    whole += '\n';
    const auto includes = [&](const std::string& part) { return has("[" + part + "]") || has(part + " = "); };
    if (!includes("master")) whole += "[master]\nendpoints = [\"http://the-master\"]\n";
    if (!includes("slave") && !has("[[slaves]]")) whole += "[[slave]]\nendpoints = [\"http://the-slave\"]\n";
    if (!includes("rule")) whole += "[[rule]]\nprefix = \"/the/rule/\"\n";
    return whole;
}

/// "line:column: message | hint".
inline std::string brief(const diagnostic& d) {
    const std::string hint = d.hint.empty() ? "" : " | " + d.hint;
    return std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.message + hint;
}

}  // namespace etcdsync::config
