// SPDX-License-Identifier: Apache-2.0
#include "config/files/files.hpp"

#include "base/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace etcdsync::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_bytes = 64U << 10;

/// Where names without a leading "/" are looked up.
struct directories {
    const base::file_reader& files;
    fs::path credentials;  ///< empty: there is none
    fs::path beside;
};

void locate(std::string& name, const directories& from) {
    if (name.empty() || name.front() == '/') return;
    const bool bare = name.find('/') == std::string::npos;
    const fs::path credential = from.credentials / name;
    const bool is_credential = bare && !from.credentials.empty() && from.files.exists(credential.string());
    name = (is_credential ? credential : from.beside / name).string();
}

void locate(cluster& of, const directories& from) {
    for (std::string* const name : {&of.tls.ca, &of.tls.cert, &of.tls.key, &of.auth.password_file}) locate(*name, from);
}

void drop_line_end(std::string& text) {
    if (!text.ends_with('\n')) return;
    text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
}

/// Why this cannot be a password; empty if it can.
std::string_view password_error(const std::string& password) {
    if (password.empty()) return "it is empty";
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    return std::ranges::any_of(password, is_control) ? "it contains a line end or another control character" : "";
}

base::result<std::string> read_password_file(const base::file_reader& files, const std::string& path) {
    const auto failed = [&path](std::string_view why) {
        return base::error(fmt::format("password file {}: {}", base::printable(path, path.size()), why));
    };
    auto read = files.read_regular(path, max_bytes + 1);
    if (!read) return failed(read.error().text);
    std::string& text = read->bytes;
    if (text.size() > max_bytes) return failed("it is larger than 64 KiB");
    drop_line_end(text);
    if (const auto why = password_error(text); !why.empty()) return failed(why);
    return base::result<std::string>(boost::system::in_place_value, std::move(text));
}

}  // namespace

void locate_files(const base::file_reader& files, config& of, const std::string& config_path,
                  const std::string& credentials_directory) {
    directories from{files, {}, fs::path(files.absolute(config_path)).parent_path()};
    if (!credentials_directory.empty()) from.credentials = files.absolute(credentials_directory);
    locate(of.master, from);
    for (slave& one : of.slaves) locate(one, from);
}

base::result<std::string> read_password(const base::file_reader& files, const auth_settings& of) {
    if (!of.password_file.empty()) return read_password_file(files, of.password_file);
    if (const auto why = password_error(of.password); !why.empty())
        return base::error(fmt::format("the password cannot be used: {}", why));
    return base::result<std::string>(boost::system::in_place_value, of.password);
}

}  // namespace etcdsync::config
