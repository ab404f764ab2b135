// SPDX-License-Identifier: Apache-2.0
#include "config/read/endpoint.hpp"

#include "base/escape.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace etcdsync::config {
namespace {

namespace urls = boost::urls;

constexpr std::uint16_t etcd_port = 2379;
constexpr std::string_view unix_scheme = "unix://";
constexpr std::size_t longest_socket = 107;  ///< the limit of sockaddr_un

/// Masks what precedes an "@", because it may contain a password.
std::string without_user(std::string_view text) {
    const std::size_t at = text.rfind('@');
    if (at == std::string_view::npos) return base::printable(text);
    const std::size_t scheme = text.find("://");
    const std::string_view head = scheme == std::string_view::npos ? "" : text.substr(0, scheme + 3);
    return fmt::format("{}***{}", base::printable(head), base::printable(text.substr(at)));
}

fault bad(std::string_view text, std::string_view why, std::string hint) {
    return {fmt::format("\"{}\" is not an endpoint: {}", without_user(text), why), std::move(hint)};
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

/// RFC 3986 allows far more than DNS does; most of that is a typing mistake here.
bool is_host_name(std::string_view host) {
    const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; };
    return !host.empty() && std::ranges::all_of(host, allowed);
}

std::optional<std::string> host_of(const urls::url_view& url) {
    if (url.host_type() == urls::host_type::ipv6) return url.host_ipv6_address().to_string();
    const std::string host(std::string_view(url.encoded_host().data(), url.encoded_host().size()));
    if (!is_host_name(host)) return std::nullopt;
    return host;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, ec] = std::from_chars(text.data(), end, port);
    if (ec != std::errc{} || rest != end || port == 0) return std::nullopt;
    return port;
}

std::string_view port_text(const urls::url_view& url) { return {url.port().data(), url.port().size()}; }

/// The part of the URL beyond scheme, host and port; empty if there is none.
std::string_view unexpected_part(const urls::url_view& url) {
    if (url.has_userinfo()) return "it has a user; use auth = { ... }";
    if (url.has_query()) return "it has a query";
    if (url.has_fragment()) return "it has a fragment";
    return url.encoded_path().empty() ? "" : "it has a path";
}

boost::system::result<endpoint, fault> parse_unix(std::string_view text) {
    const std::string_view path = text.substr(unix_scheme.size());
    if (!path.starts_with('/') || path.size() == 1) return bad(text, "no absolute path", "write \"unix:///path\"");
    if (path.size() > longest_socket || path.find('\0') != std::string_view::npos) {
        return bad(text, "no socket can have this path",
                   fmt::format("at most {} bytes, none of them zero", longest_socket));
    }
    return endpoint{.url = std::string(text), .socket = std::string(path)};
}

}  // namespace

boost::system::result<endpoint, fault> parse_endpoint(std::string_view text) {
    if (text.starts_with(unix_scheme)) return parse_unix(text);
    if (text.find(',') != std::string_view::npos) {
        return bad(text, "it contains a comma", "write one string for each endpoint");
    }
    if (text.find("://") == std::string_view::npos) {
        return bad(text, "no scheme", fmt::format("write \"http://{}\"", without_user(text)));
    }
    const auto parsed = urls::parse_uri({text.data(), text.size()});
    if (!parsed) return bad(text, "not a URL", "write \"http://host:2379\"");
    const urls::url_view& url = *parsed;
    const std::string scheme = lower({url.scheme().data(), url.scheme().size()});
    if (scheme != "http" && scheme != "https") return bad(text, "unknown scheme", "write http:// or https://");
    const auto host = host_of(url);
    if (!host) return bad(text, "no valid host", fmt::format("write \"{}://host:2379\"", scheme));
    const std::string_view port = port_text(url);
    const auto number = port.empty() && !url.has_port() ? etcd_port : parse_port(port);
    if (!number) return bad(text, "no valid port", "a port is 1 to 65535");
    if (const auto extra = unexpected_part(url); !extra.empty()) {
        const bool v6 = host->find(':') != std::string::npos;
        return bad(text, extra,
                   fmt::format("write \"{}://{}{}{}:{}\"", scheme, v6 ? "[" : "", *host, v6 ? "]" : "", *number));
    }
    return endpoint{std::string(text), scheme == "https", *host, *number, {}};
}

boost::system::result<listen_address, fault> parse_listen_address(std::string_view text) {
    const auto wrong = [&](std::string_view hint) {
        return fault{fmt::format("\"{}\" is not an address to listen on", base::printable(text)), std::string(hint)};
    };
    if (text.starts_with("unix:")) {
        const std::string_view path = text.substr(5);
        if (!path.starts_with('/')) return wrong("write \"unix:/path\"");
        return listen_address{.socket = std::string(path)};
    }
    const std::string uri = fmt::format("http://{}", text);
    const auto parsed = urls::parse_uri({uri.data(), uri.size()});
    const auto host = parsed ? host_of(*parsed) : std::nullopt;
    const auto port = parsed ? parse_port(port_text(*parsed)) : std::nullopt;
    if (!host || !port || !unexpected_part(*parsed).empty()) return wrong("write \"127.0.0.1:2390\" or \"unix:/path\"");
    return listen_address{{}, *host, *port};
}

std::string address_of(const endpoint& e) {
    return e.socket.empty() ? fmt::format("{}:{}", lower(e.host), e.port) : e.socket;
}

}  // namespace etcdsync::config
