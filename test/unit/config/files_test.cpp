// SPDX-License-Identifier: Apache-2.0
#include "config/files/files.hpp"

#include "app/process/system_files.hpp"
#include "config/files/check_files.hpp"
#include "support.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace etcdsync::config;
using namespace std::string_literals;
namespace fs = std::filesystem;

namespace {

const etcdsync::app::system_files files;

/// A temporary directory.
class directory {
public:
    directory() { REQUIRE(::mkdtemp(path_.data()) != nullptr); }
    directory(const directory&) = delete;
    ~directory() { fs::remove_all(path_); }

    std::string file(const std::string& name, const std::string& content, mode_t mode = 0600) const {
        const std::string path = path_ + "/" + name;
        fs::create_directories(fs::path(path).parent_path());
        std::ofstream(path, std::ios::binary) << content;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        return path;
    }
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_ = "/tmp/etcd-sync-files-XXXXXX";
};

config with_password_file(const std::string& name) {
    config out;
    out.master.auth = {"u", name, "", ""};
    return out;
}

std::string located(const std::string& name, const std::string& config_path, const std::string& credentials = "") {
    config of = with_password_file(name);
    locate_files(files, of, config_path, credentials);
    return of.master.auth.password_file;
}

std::string password_of(const std::string& file) {
    const auto read = read_password(files, {"u", file, "", ""});
    return read ? "=" + *read : read.error().text;
}

std::vector<std::string> checked(const std::string& text) {
    const parse_result read = parse(text);
    INFO(render(read.diagnostics, "test", text));
    REQUIRE(read.value.has_value());
    std::vector<std::string> all;
    complaints out;
    check_files(files, read.value->master, read.places.at(0), out);
    check_files(files, read.value->slaves.at(0), read.places.at(1), out);
    for (const diagnostic& d : out.take()) {
        all.push_back((d.level == diagnostic::severity::error ? "error " : "warning ") + brief(d));
    }
    return all;
}

}  // namespace

TEST_CASE("a name without a path is a credential, else a file next to the configuration") {
    const directory credentials;
    const directory conf;
    const std::string toml = conf.path() + "/etcd-sync.toml";
    credentials.file("pass", "x");
    CHECK(located("pass", toml, credentials.path()) == credentials.path() + "/pass");
    CHECK(located("pass", toml) == conf.path() + "/pass");
    CHECK(located("other", toml, credentials.path()) == conf.path() + "/other");
    CHECK(located("./pass", toml, credentials.path()) == conf.path() + "/./pass");
    CHECK(located("keys/pass", toml, credentials.path()) == conf.path() + "/keys/pass");
    CHECK(located("/abs/pass", toml, credentials.path()) == "/abs/pass");
    CHECK(located("", toml, credentials.path()).empty());
}

TEST_CASE("a configuration in the working directory has its files there") {
    CHECK(located("pass", "etcd-sync.toml") == fs::current_path().string() + "/pass");
    CHECK(located("pass", "sub/etcd-sync.toml") == fs::current_path().string() + "/sub/pass");
}

TEST_CASE("all files of all clusters are located") {
    config of;
    of.master.tls = {"ca", "cert", "key", "name", false};
    of.slaves.resize(2);
    of.slaves[1].tls.ca = "ca";
    of.slaves[1].auth.password_file = "p";
    locate_files(files, of, "/etc/x/y.toml", "");
    CHECK(of.master.tls == tls_settings{"/etc/x/ca", "/etc/x/cert", "/etc/x/key", "name", false});
    CHECK(of.slaves[0].tls == tls_settings{});
    CHECK(of.slaves[1].tls.ca == "/etc/x/ca");
    CHECK(of.slaves[1].auth.password_file == "/etc/x/p");
}

TEST_CASE("a password file is read each time, without its line end") {
    const directory in;
    CHECK(password_of(in.file("p", "secret\n")) == "=secret");
    CHECK(password_of(in.file("p", "changed\r\n")) == "=changed");
    CHECK(password_of(in.file("p", "no end")) == "=no end");
    CHECK(password_of(in.file("p", "p\xc3\xa4ss \n")) == "=p\xc3\xa4ss ");
    CHECK(password_of(in.file("p", std::string(64U << 10, 'x'))).size() == (64U << 10) + 1);
    CHECK(*read_password(files, {"u", "", "E", "literal"}) == "literal");
}

TEST_CASE("a file without a valid password is rejected with its name and the cause, and its content is not printed") {
    const directory in;
    const std::string path = in.path() + "/p";
    const std::string begin = "password file " + path + ": ";
    CHECK(password_of(path) == begin + "No such file or directory");
    const std::string control = begin + "it contains a line end or another control character";
    for (const std::string& text : {"a\nb\n"s, "a\n\n"s, "a\0b"s, "a\tb"s, "\x7f"s}) {
        in.file("p", text);
        CHECK(password_of(path) == control);
    }
    CHECK(password_of(in.file("p", "")) == begin + "it is empty");
    CHECK(password_of(in.file("p", "\n")) == begin + "it is empty");
    CHECK(password_of(in.file("p", std::string((64U << 10) + 1, 'x'))) == begin + "it is larger than 64 KiB");
    CHECK(password_of(in.path()) == "password file " + in.path() + ": Is a directory");
    CHECK(password_of("/dev/zero") == "password file /dev/zero: it is not a regular file");
    const std::string pipe = in.path() + "/pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);  // it has no writer, so a blocking read would never end
    CHECK(password_of(pipe) == "password file " + pipe + ": it is not a regular file");
    CHECK(read_password(files, {"u", "", "", ""}).error().text == "the password cannot be used: it is empty");
    CHECK(read_password(files, {"u", "", "", "hun\nter2"}).error().text.find("hun") == std::string::npos);
}

TEST_CASE("all files that cannot be read are reported at once, each with its position") {
    const directory in;
    const std::string key = in.file("key", "k");
    const std::string text = R"([master]
endpoints = ["https://m"]
tls = { ca = "/nonexistent/ca", cert = "/nonexistent/cert", key = ")" +
                             key + R"(" }
auth = { user = "u", password_file = "/nonexistent/p" }
[[slave]]
endpoints = ["https://s"]
tls = { ca = "/" }
auth = { user = "u", password_file = ")" +
                             in.file("empty", "") + R"(" }
[[rule]]
prefix = "/a/"
)";
    CHECK(checked(text) ==
          std::vector<std::string>{
              R"(error 3:14: "ca" of [master]: /nonexistent/ca cannot be read: No such file or directory)",
              R"(error 3:40: "cert" of [master]: /nonexistent/cert cannot be read: No such file or directory)",
              R"(error 4:38: "password_file" of [master]: /nonexistent/p cannot be read: No such file or directory)",
              R"(error 7:14: "ca" of [[slave]]: / cannot be read: Is a directory)",
              "error 8:38: [[slave]] auth: password file " + in.path() + "/empty: it is empty"});
}

TEST_CASE("a secret that others may read causes a warning; a certificate is not a secret") {
    const directory in;
    const auto all_of = [&](mode_t mode) {
        return checked("[master]\nendpoints = [\"https://m\"]\ntls.ca = \"" + in.file("ca", "c", 0644) +
                       "\"\ntls.cert = \"" + in.file("cert", "c", 0644) + "\"\ntls.key = \"" +
                       in.file("key", "k", mode) + "\"\nauth = { user = \"u\", password_file = \"" +
                       in.file("p", "p", mode) + "\" }\n[[slave]]\nendpoints = [\"http://localhost\"]\n" +
                       "[[rule]]\nprefix = \"/a/\"\n");
    };
    CHECK(all_of(0600).empty());
    CHECK(all_of(0400).empty());
    const std::string fix = " | chmod 600 restricts it to its owner";
    const std::vector<std::string> both{
        "warning 5:11: \"key\" of [master]: others can read " + in.path() + "/key" + fix,
        "warning 6:38: \"password_file\" of [master]: others can read " + in.path() + "/p" + fix};
    CHECK(all_of(0640) == both);
    CHECK(all_of(0604) == both);
}
