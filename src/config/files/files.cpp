// SPDX-License-Identifier: Apache-2.0
#include "config/files/files.hpp"

#include "base/escape.hpp"
#include "config/files/open_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unistd.h>

namespace etcdsync::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_bytes = 64U << 10;

/// The directories that relative names start from.
struct directories {
    fs::path credentials;  ///< empty: there is none
    fs::path beside;       ///< of the configuration file
};

void locate(std::string& name, const directories& from) {
    if (name.empty() || name.front() == '/') return;
    std::error_code ignored;
    const bool bare = name.find('/') == std::string::npos;
    const fs::path credential = from.credentials / name;
    const bool is_credential = bare && !from.credentials.empty() && fs::exists(credential, ignored);
    name = (is_credential ? credential : from.beside / name).string();
}

void locate(cluster& of, const directories& from) {
    for (std::string* const name : {&of.tls.ca, &of.tls.cert, &of.tls.key, &of.auth.password_file}) locate(*name, from);
}

std::string absolute(const std::string& path) {
    std::error_code failed;
    const fs::path out = fs::absolute(path, failed);
    return failed ? path : out.string();
}

/// Returns an empty string, or the reason of the failure.
std::string read_all(int descriptor, std::string& text) {
    char block[4096];
    for (;;) {
        const ssize_t got = ::read(descriptor, block, sizeof block);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::strerror(errno);
        if (got == 0) return "";
        text.append(block, static_cast<std::size_t>(got));
        if (text.size() > max_bytes) return "it is larger than 64 KiB";
    }
}

std::string read_secret_file(const std::string& path, std::string& text) {
    const auto file = open_file(path);
    if (!file) return file.error().text;
    return read_all(file->number(), text);
}

void drop_line_end(std::string& text) {
    if (!text.ends_with('\n')) return;
    text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
}

/// Why a text cannot be a password; empty if it can.
std::string_view password_error(const std::string& password) {
    if (password.empty()) return "it is empty";
    const auto is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    return std::ranges::any_of(password, is_control) ? "it contains a line end or another control character" : "";
}

}  // namespace

void locate_files(config& of, const std::string& config_path, const std::string& credentials_directory) {
    directories from;
    if (!credentials_directory.empty()) from.credentials = absolute(credentials_directory);
    from.beside = fs::path(absolute(config_path)).parent_path();
    locate(of.master, from);
    for (slave& one : of.slaves) locate(one, from);
}

base::result<std::string> read_password(const auth_settings& of) {
    std::string text = of.password;
    if (!of.password_file.empty()) {
        text.clear();
        const std::string failure = read_secret_file(of.password_file, text);
        const std::string file = base::printable(of.password_file, of.password_file.size());
        if (!failure.empty()) return base::error(fmt::format("password file {}: {}", file, failure));
        drop_line_end(text);
        if (const auto why = password_error(text); !why.empty())
            return base::error(fmt::format("password file {}: {}", file, why));
    } else if (const auto why = password_error(text); !why.empty()) {
        return base::error(fmt::format("the password cannot be used: {}", why));
    }
    return base::result<std::string>(boost::system::in_place_value, std::move(text));
}

}  // namespace etcdsync::config
