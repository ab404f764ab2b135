// SPDX-License-Identifier: Apache-2.0
#include "replication/record/object_reader.hpp"

#include "base/escape.hpp"
#include "etcd/wire.hpp"

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include <charconv>

namespace etcdsync::replication {
namespace {

namespace json = boost::json;

}  // namespace

std::string object_reader::text(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return {};
    if (!value->is_string()) return complain(name, "is not a string");
    const json::string& found = value->get_string();
    return std::string(found.data(), found.size());
}

std::int64_t object_reader::number(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return 0;
    if (value->is_int64() && etcd::is_possible(value->get_int64())) return value->get_int64();
    complain(name, "is not an integer from 0 to 2^53");
    return 0;
}

std::int64_t object_reader::difference(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return 0;
    constexpr std::int64_t largest = std::int64_t{1} << 53;
    if (value->is_int64() && value->get_int64() >= -largest && value->get_int64() <= largest) return value->get_int64();
    complain(name, "is not an integer from -2^53 to 2^53");
    return 0;
}

std::uint64_t object_reader::count(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return 0;
    if (value->is_uint64()) return value->get_uint64();
    if (value->is_int64() && value->get_int64() >= 0) return static_cast<std::uint64_t>(value->get_int64());
    complain(name, "is not a non-negative integer");
    return 0;
}

bool object_reader::flag(std::string_view name) {
    const json::value* const value = find(name);
    if (value == nullptr) return false;
    if (value->is_bool()) return value->get_bool();
    complain(name, "is not true or false");
    return false;
}

std::string object_reader::decoded(std::string_view name) {
    std::string bytes;
    const std::string encoded = text(name);
    if (!base::base64_decode(encoded, bytes)) return complain(name, "is not base64");
    return bytes;
}

std::uint64_t object_reader::id(std::string_view name) {
    const std::string hex = text(name);
    std::uint64_t value = 0;
    const char* const end = hex.data() + hex.size();
    const auto [rest, ec] = std::from_chars(hex.data(), end, value, 16);
    if (ec != std::errc{} || rest != end) complain(name, "is not a hexadecimal id");
    return value;
}

void object_reader::each(std::string_view name, const std::function<void(object_reader&)>& read) {
    const json::value* const array = find(name);
    if (array == nullptr) return;
    if (!array->is_array()) {
        complain(name, "is not an array");
        return;
    }
    for (const json::value& item : array->get_array()) {
        if (!item.is_object()) {
            complain(name, "has an element that is not an object");
            return;
        }
        object_reader inner(item.get_object());
        read(inner);
        if (!inner.wrong().empty()) complain(name, inner.wrong());
    }
}

bool object_reader::has(std::string_view name) const {
    return from_->if_contains(json::string_view(name.data(), name.size())) != nullptr;
}

const json::value* object_reader::find(std::string_view name) {
    const json::value* const value = from_->if_contains(json::string_view(name.data(), name.size()));
    if (value == nullptr) complain(name, "is missing");
    return value;
}

std::string object_reader::complain(std::string_view name, std::string_view what) {
    if (wrong_.empty()) wrong_ = fmt::format("\"{}\" {}", name, what);
    return {};
}

}  // namespace etcdsync::replication
