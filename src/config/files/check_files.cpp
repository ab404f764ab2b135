// SPDX-License-Identifier: Apache-2.0
#include "config/files/check_files.hpp"

#include "base/escape.hpp"
#include "config/files/files.hpp"

#include <fmt/format.h>

#include <string_view>

namespace etcdsync::config {
namespace {

std::string shown(const std::string& path) { return base::printable(path, path.size()); }

class file_check {
public:
    file_check(const base::file_reader& files, const cluster_places& places, complaints& out)
        : files_(files), places_(places), out_(out) {}

    bool check_tls(const tls_settings& of) {
        const bool ca = check("ca", of.ca, places_.ca, false);
        const bool cert = check("cert", of.cert, places_.cert, false);
        const bool key = check("key", of.key, places_.key, true);
        return ca && cert && key;
    }

    void check_auth(const auth_settings& of) {
        const bool is_missing = !of.password_env.empty() && of.password.empty();
        if (of.user.empty() || is_missing) return;
        const bool is_file = !of.password_file.empty();
        if (is_file && !check("password_file", of.password_file, places_.password_file, true)) return;
        const auto password = read_password(files_, of);
        if (password) return;
        const place at = is_file                   ? places_.password_file
                         : of.password_env.empty() ? places_.password
                                                   : places_.password_env;
        out_.error(at, fmt::format("{} auth: {}", places_.label, password.error().text));
    }

private:
    /// Returns true if the file can be read or is not configured.
    bool check(std::string_view key, const std::string& path, place at, bool secret) {
        if (path.empty()) return true;
        const auto file = files_.read_regular(path, 0);
        if (!file) {
            out_.error(at, fmt::format("\"{}\" of {}: {} cannot be read: {}", key, places_.label, shown(path),
                                       file.error().text));
        } else if (secret && file->readable_by_others) {
            out_.warning(at, fmt::format("\"{}\" of {}: others can read {}", key, places_.label, shown(path)),
                         "chmod 600 restricts it to its owner");
        }
        return file.has_value();
    }

    const base::file_reader& files_;
    const cluster_places& places_;
    complaints& out_;
};

}  // namespace

bool check_files(const base::file_reader& files, const cluster& of, const cluster_places& places, complaints& out) {
    file_check check(files, places, out);
    const bool good = check.check_tls(of.tls);
    check.check_auth(of.auth);
    return good;
}

}  // namespace etcdsync::config
