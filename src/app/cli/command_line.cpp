// SPDX-License-Identifier: Apache-2.0
// The only file that includes CLI11: it takes seconds to compile.
#include "app/cli/command_line.hpp"

#include "app/cli/help.hpp"
#include "base/escape.hpp"
#include "base/text.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>

namespace etcdsync::app {
namespace {

using observe::color_mode;
using observe::progress_mode;

const std::map<std::string, output_format> formats{
    {"table", output_format::table}, {"json", output_format::json}, {"jsonl", output_format::jsonl}};
const std::map<std::string, color_mode> colors{
    {"auto", color_mode::automatic}, {"always", color_mode::always}, {"never", color_mode::never}};
const std::map<std::string, progress_mode> progresses{{"auto", progress_mode::automatic},
                                                      {"bar", progress_mode::bar},
                                                      {"plain", progress_mode::plain},
                                                      {"none", progress_mode::none}};

constexpr std::array<std::string_view, 18> flags{"--config",  "--write-out", "--json",   "--quiet",      "--verbose",
                                                 "--color",   "--progress",  "--admin",  "--slave",      "--dry-run",
                                                 "--approve", "--foreign",   "--repair", "--max-behind", "--connect",
                                                 "--hex",     "--help",      "--version"};

/// Filled by CLI11.
struct raw {
    std::string config, format, color, progress, admin, key, topic, max_behind;
    std::vector<std::string> slaves;
    bool json = false, quiet = false, hex = false, connect = false, help = false, version = false;
    bool dry_run = false, approve = false, foreign = false, repair = false;
    int verbose = 0;
};

base::error wrong(std::string what) { return base::error(std::move(what)); }

std::string quote(std::string_view text) { return fmt::format("\"{}\"", base::printable(text)); }

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const std::string_view near = base::nearest(word, candidates);
    return near.empty() || near == word ? "" : fmt::format("; did you mean {}?", quote(near));
}

void declare_global(CLI::App& app, raw& to) {
    app.set_help_flag();  // our help looks the same for every command
    app.add_option("-c,--config", to.config);
    app.add_option("-w,--write-out", to.format);
    app.add_flag("--json", to.json);
    app.add_flag("-q,--quiet", to.quiet);
    app.add_flag("-v,--verbose", to.verbose);
    app.add_option("--color", to.color);
    app.add_option("--progress", to.progress);
    app.add_option("--admin", to.admin);
    app.add_flag("-h,--help", to.help);
    app.add_flag("--version", to.version);
}

void declare_one_shot(CLI::App& sub, command what, raw& to) {
    sub.add_option("--slave", to.slaves);
    if (what == command::verify) {
        sub.add_flag("--repair", to.repair);
        sub.add_option("--max-behind", to.max_behind);
    }
    if (what != command::sync) return;
    sub.add_flag("-n,--dry-run", to.dry_run);
    sub.add_flag("--approve", to.approve);
    sub.add_flag("--foreign", to.foreign);
}

void declare_commands(CLI::App& app, raw& to) {
    app.require_subcommand(0, 1);
    app.allow_extras();
    app.fallthrough();
    for (const command_info& c : all_commands()) {
        CLI::App* const sub = app.add_subcommand(std::string(c.name));
        if (c.what == command::none) sub->prefix_command();  // it has no flags of its own yet
        if (c.what == command::sync || c.what == command::verify) declare_one_shot(*sub, c.what, to);
        if (c.what == command::check_config) sub->add_flag("--connect", to.connect);
        if (c.what == command::help) sub->add_option("topic", to.topic);
        if (c.what != command::explain) continue;
        sub->add_option("key", to.key);
        sub->add_flag("--hex", to.hex);
    }
}

/// The unexpected word in place of a command or an option, as an error in our terms.
base::error unexpected(const std::string& word, bool has_command) {
    if (word.size() > 1 && word[0] == '-') {
        const std::string name = word.substr(0, word.find('='));
        return wrong(fmt::format("unknown option {}{}", quote(name), did_you_mean(name, flags)));
    }
    if (has_command) return wrong(fmt::format("unexpected argument {}", quote(word)));
    std::vector<std::string_view> names;
    for (const command_info& c : all_commands()) names.push_back(c.name);
    return wrong(fmt::format("unknown command {}{}", quote(word), did_you_mean(word, names)));
}

/// Rejects the arguments that CLI11 did not consume. It leaves "--" there; nothing after it is an option.
std::optional<base::error> refuse_extras(std::vector<std::string> extras, bool has_command) {
    const auto mark = std::find(extras.begin(), extras.end(), "--");
    const bool arguments = mark != extras.end();
    if (arguments) extras.erase(mark);
    if (extras.empty()) return std::nullopt;
    if (arguments && has_command) return wrong(fmt::format("unexpected argument {}", quote(extras.front())));
    return unexpected(extras.front(), has_command);
}

template <class Value>
base::result<Value> one_of(std::string_view flag, const std::string& word, const std::map<std::string, Value>& values) {
    const auto place = values.find(word);
    if (place != values.end()) return place->second;
    std::vector<std::string> names;
    for (const auto& [name, value] : values) names.push_back(name);
    return wrong(fmt::format("{} must be one of {}, not {}", flag, fmt::join(names, ", "), quote(word)));
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

base::result<std::string> from_hex(std::string_view digits) {
    if (digits.size() % 2 != 0) return wrong("--hex takes two digits per byte");
    std::string bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const int high = hex_digit(digits[i]);
        const int low = hex_digit(digits[i + 1]);
        if (high < 0 || low < 0) return wrong(fmt::format("{} is not hexadecimal", quote(digits)));
        bytes += static_cast<char>(high * 16 + low);
    }
    return base::result<std::string>(boost::system::in_place_value,
                                     std::move(bytes));  // a string could also be the error
}

base::result<options> check_explain(const raw& from, options value) {
    if (from.key.empty()) return wrong("explain needs a KEY");
    value.key = from.key;
    if (!from.hex) return value;
    auto bytes = from_hex(from.key);
    if (!bytes) return bytes.error();
    value.key = std::move(*bytes);
    return value;
}

base::result<options> check_help(std::string_view topic, options value) {
    value.what = command::help;
    value.topic = topic;
    const command_info* const known = find_command(topic);
    if (topic.empty() || (known != nullptr && known->what != command::none)) return value;
    if (known != nullptr) return wrong(fmt::format("{} is not supported yet", topic));
    return unexpected(value.topic, false);
}

base::result<std::optional<std::int64_t>> revisions(const std::string& digits) {
    std::optional<std::int64_t> number;
    if (digits.empty()) return number;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, number.emplace());
    if (read.ec == std::errc() && read.ptr == end && *number >= 0) return number;
    return wrong(fmt::format("--max-behind takes a number of revisions, not {}", quote(digits)));
}

base::result<options> check_choices(const CLI::App& app, const raw& from) {
    options value;
    if (app.count("--config") > 0) value.config_file = from.config;
    value.quiet = from.quiet;
    value.verbose = static_cast<unsigned>(std::max(from.verbose, 0));
    value.slaves = from.slaves;
    value.dry_run = from.dry_run;
    if (from.foreign && !from.approve) return wrong("--foreign needs --approve");
    value.approve = from.approve;
    value.foreign = from.foreign;
    value.repair = from.repair;
    const auto max_behind = revisions(from.max_behind);
    if (!max_behind) return max_behind.error();
    value.max_behind = *max_behind;
    value.connect = from.connect;
    if (app.count("--write-out") > 0) {
        const auto format = one_of("--write-out", from.format, formats);
        if (!format) return format.error();
        value.format = *format;
    }
    if (from.json) value.format = output_format::json;
    if (app.count("--color") > 0) {
        const auto color = one_of("--color", from.color, colors);
        if (!color) return color.error();
        value.color = *color;
    }
    if (app.count("--progress") > 0) {
        const auto progress = one_of("--progress", from.progress, progresses);
        if (!progress) return progress.error();
        value.progress = *progress;
    }
    if (app.count("--admin") > 0) return wrong("--admin is not supported yet");
    return value;
}

base::result<options> check(const CLI::App& app, const raw& from) {
    const auto chosen = app.get_subcommands();
    const command_info* const c = chosen.empty() ? nullptr : find_command(chosen.front()->get_name());
    if (c != nullptr && c->what == command::none) return wrong(fmt::format("{} is not supported yet", c->name));
    if (auto stray = refuse_extras(app.remaining(true), c != nullptr)) return *std::move(stray);
    auto value = check_choices(app, from);
    if (!value) return value;
    if (from.help) return check_help(c == nullptr ? "" : c->name, *value);
    value->what = from.version ? command::version : c == nullptr ? command::none : c->what;
    if (value->what == command::explain) return check_explain(from, *value);
    if (value->what == command::help) return check_help(from.topic, *value);
    return value;
}

}  // namespace

base::result<options> parse_command_line(const std::vector<std::string>& arguments) {
    CLI::App app;
    raw to;
    declare_global(app, to);
    declare_commands(app, to);
    try {
        app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 reads them from the end
    } catch (const CLI::ArgumentMismatch& e) {
        std::string_view what = e.what();
        what = what.substr(0, what.find(':'));
        if (what == "--slave") return wrong("--slave needs a NAME");
        return wrong(fmt::format("{} takes one value, and can be given once", base::printable(what)));
    } catch (const CLI::ParseError& e) {
        return wrong(base::printable(e.what()));
    }
    return check(app, to);
}

}  // namespace etcdsync::app
