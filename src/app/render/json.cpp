// SPDX-License-Identifier: Apache-2.0
#include "app/render/json.hpp"

#include "base/escape.hpp"

#include <boost/json/serialize.hpp>

namespace etcdsync::app {

std::string json_text(std::string_view text) {
    return base::is_printable_utf8(text) ? std::string(text) : base::printable(text, text.size());
}

void put_key(boost::json::object& to, std::string_view name, std::string_view key) {
    if (base::is_printable_utf8(key)) {
        to[name] = key;
    } else {
        to[std::string(name) + "_b64"] = base::base64_encode(key);
    }
}

void put_part(boost::json::object& to, const part& of) {
    to["slave"] = of.slave;
    if (!of.rule.empty()) to["rule"] = json_text(of.rule);
}

std::string to_line(const boost::json::object& value) { return boost::json::serialize(value) + "\n"; }

}  // namespace etcdsync::app
