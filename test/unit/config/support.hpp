// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/files/load.hpp"
#include "config/toml/render.hpp"

#include <string>
#include <string_view>

namespace etcdsync::config {

/// Puts `text` into a configuration that is good without it. Where `text` brings a part of its own, ours steps back.
inline std::string around(std::string_view text) {
    const auto has = [&](std::string_view part) { return text.find(part) != std::string_view::npos; };
    // What the test brings comes first, so that its lines are counted from 1.
    std::string whole(text);
    whole += '\n';
    const auto brings = [&](const std::string& part) { return has("[" + part + "]") || has(part + " = "); };
    if (!brings("master")) whole += "[master]\nendpoints = [\"http://the-master\"]\n";
    if (!brings("slave") && !has("[[slaves]]")) whole += "[[slave]]\nendpoints = [\"http://the-slave\"]\n";
    if (!brings("rule")) whole += "[[rule]]\nprefix = \"/the/rule/\"\n";
    return whole;
}

/// line:column: message | hint, for comparing and for showing.
inline std::string brief(const diagnostic& d) {
    const std::string hint = d.hint.empty() ? "" : " | " + d.hint;
    return std::to_string(d.line) + ":" + std::to_string(d.column) + ": " + d.message + hint;
}

}  // namespace etcdsync::config
