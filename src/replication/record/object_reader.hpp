// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace etcdsync::replication {

/// Reads the members of a JSON object from a slave, which is not trusted. Keeps the first error; what is read after it has no
/// meaning. The object must outlive the reader.
class object_reader {
public:
    explicit object_reader(const boost::json::object& from) : from_(&from) {}

    std::string text(std::string_view name);
    /// A number that an etcd's revision or version may have: 0 to 2^53.
    std::int64_t number(std::string_view name);
    /// -2^53 to 2^53.
    std::int64_t difference(std::string_view name);
    /// 0 to 2^64 - 1.
    std::uint64_t count(std::string_view name);
    /// true or false.
    bool flag(std::string_view name);
    /// Bytes, from base64.
    std::string decoded(std::string_view name);
    /// A 64-bit id, from hexadecimal digits.
    std::uint64_t id(std::string_view name);
    /// Calls `read` with a reader for each object of the array `name`.
    void each(std::string_view name, const std::function<void(object_reader&)>& read);

    [[nodiscard]] bool has(std::string_view name) const;

    /// Records an error, if there is none yet: `"name" what`.
    std::string complain(std::string_view name, std::string_view what);

    /// The first error; empty: none.
    [[nodiscard]] const std::string& wrong() const { return wrong_; }

private:
    const boost::json::value* find(std::string_view name);

    const boost::json::object* from_;
    std::string wrong_;
};

}  // namespace etcdsync::replication
