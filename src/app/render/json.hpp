// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "app/daemon/slave_result.hpp"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>

namespace etcdsync::app {

/// Text as a valid JSON string: bytes that are not printable UTF-8 become \xNN.
[[nodiscard]] std::string json_text(std::string_view text);

/// Adds an etcd key: as "NAME" if it is printable UTF-8, else as "NAME_b64".
void put_key(boost::json::object& to, std::string_view name, std::string_view key);

/// The members "slave" and "rule".
void put_part(boost::json::object& to, const part& of);

/// The object on one line, with a line end.
[[nodiscard]] std::string to_line(const boost::json::object& value);

}  // namespace etcdsync::app
