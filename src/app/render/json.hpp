// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace etcdsync::app {

/// Text for people as a JSON string that every reader takes: what is not printable UTF-8 becomes \xNN.
[[nodiscard]] std::string json_text(std::string_view text);

/// A key of etcd, bytes in no encoding: "NAME" where it is printable UTF-8, else "NAME_b64".
void put_key(boost::json::object& to, std::string_view name, std::string_view key);

/// On one line, for stdout.
[[nodiscard]] std::string to_line(const boost::json::object& value);

}  // namespace etcdsync::app
