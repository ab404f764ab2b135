// SPDX-License-Identifier: Apache-2.0
#include "keys/pattern.hpp"

namespace etcdsync::keys {
namespace {

constexpr std::size_t word_bits = 64;

std::size_t index_of(char byte) { return static_cast<unsigned char>(byte); }

void set_bit(std::vector<std::uint64_t>& set, std::size_t bit) { set[bit / word_bits] |= 1ULL << (bit % word_bits); }

bool test_bit(const std::vector<std::uint64_t>& set, std::size_t bit) {
    return (set[bit / word_bits] >> (bit % word_bits) & 1U) != 0;
}

}  // namespace

bool has_wildcard(std::string_view text) { return text.find_first_of("*?[") != std::string_view::npos; }

std::string literal_pattern(std::string_view bytes) {
    if (bytes.ends_with('/') || !has_wildcard(bytes)) return std::string(bytes);
    std::string escaped;
    for (const char byte : bytes) {
        if (has_wildcard({&byte, 1}) || byte == '\\') escaped += '\\';
        escaped += byte;
    }
    return escaped;
}

/// Parses a glob into steps; `error` says why it stopped early.
class pattern::glob_parser {
public:
    explicit glob_parser(std::string_view text) : text_(text) {}

    void run() {
        while (error.empty() && !text_.empty()) {
            const char byte = next();
            if (byte != '*' && byte != '?' && byte != '[') {
                literal(byte);
                continue;
            }
            in_head_ = false;
            if (byte == '*') wildcard_run();
            if (byte == '?') add(~byte_set().set(index_of('/')));
            if (byte == '[') byte_class();
        }
    }

    std::vector<step> steps;
    wildcard pending = wildcard::none;  ///< a wildcard run that no step has followed yet
    std::string head;                   ///< the literal bytes before the first wildcard
    std::string error;

private:
    char next() {
        const char byte = text_.front();
        text_.remove_prefix(1);
        return byte;
    }

    void add(const byte_set& accepts) {
        steps.push_back({accepts, pending});
        pending = wildcard::none;
    }

    void wildcard_run() {
        const bool twice = text_.starts_with('*');
        while (text_.starts_with('*')) text_.remove_prefix(1);
        pending = twice ? wildcard::any : wildcard::segment;
    }

    void literal(char byte) {
        if (byte == '\\') {
            if (text_.empty()) {
                error = "the pattern ends with \"\\\"";
                return;
            }
            byte = next();
        }
        if (in_head_) head += byte;
        add(byte_set().set(index_of(byte)));
    }

    /// Parses a class, after its "[". A "]" at the start belongs to the class, as in a shell.
    void byte_class() {
        const bool negated = text_.starts_with('!');
        if (negated) text_.remove_prefix(1);
        byte_set set;
        for (bool first = true; first || !text_.starts_with(']'); first = false) {
            if (!class_member(set)) return;
        }
        text_.remove_prefix(1);
        if (negated) set.flip();
        add(set.reset(index_of('/')));
    }

    bool class_member(byte_set& set) {
        char low = 0;
        if (!class_byte(low)) return false;
        char high = low;
        if (text_.size() >= 2 && text_[0] == '-' && text_[1] != ']') {
            text_.remove_prefix(1);
            if (!class_byte(high)) return false;
        }
        if (index_of(high) < index_of(low)) {
            error = "a class has a reversed range";
            return false;
        }
        for (std::size_t i = index_of(low); i <= index_of(high); ++i) set.set(i);
        return true;
    }

    bool class_byte(char& byte) {
        if (text_.starts_with('\\')) text_.remove_prefix(1);
        if (text_.empty()) {
            error = "a \"[\" is not closed";
            return false;
        }
        byte = next();
        return true;
    }

    std::string_view text_;
    bool in_head_ = true;
};

base::result<pattern> pattern::parse(std::string_view text) {
    if (text.empty()) return base::error("the pattern is empty");
    if (text.ends_with('/')) return pattern(kind::prefix, prefix_range(text));
    if (!has_wildcard(text)) return pattern(kind::exact, single_key(text));
    glob_parser glob(text);
    glob.run();
    if (!glob.error.empty()) return base::error(glob.error);
    pattern parsed(kind::glob, prefix_range(glob.head));
    parsed.compile(glob.steps, glob.pending);
    return parsed;
}

void pattern::compile(const std::vector<step>& steps, wildcard last) {
    steps_ = steps.size();
    const state_set none(steps_ / word_bits + 1);
    moves_.assign(none.size() * 256, 0);
    stays_ = none;
    stays_at_slash_ = none;
    for (std::size_t i = 0; i <= steps_; ++i) {
        const wildcard here = i < steps_ ? steps[i].before : last;
        if (here != wildcard::none) set_bit(stays_, i);
        if (here == wildcard::any) set_bit(stays_at_slash_, i);
        for (std::size_t byte = 0; i < steps_ && byte < 256; ++byte) {
            if (steps[i].accepts[byte]) set_bit(moves_, byte * none.size() * word_bits + i);
        }
    }
}

bool pattern::glob_matches(std::string_view key) const {
    state_set states(stays_.size());
    set_bit(states, 0);
    for (const char byte : key) {
        const std::uint64_t* const moves = &moves_[index_of(byte) * states.size()];
        const state_set& stays = byte == '/' ? stays_at_slash_ : stays_;
        std::uint64_t carry = 0;
        std::uint64_t alive = 0;
        for (std::size_t i = 0; i < states.size(); ++i) {
            const std::uint64_t moved = states[i] & moves[i];
            states[i] = (moved << 1) | carry | (states[i] & stays[i]);
            carry = moved >> (word_bits - 1);
            alive |= states[i];
        }
        if (alive == 0) return false;
    }
    return test_bit(states, steps_);
}

bool pattern::matches(std::string_view key) const {
    return bounds_.contains(key) && (form_ != kind::glob || glob_matches(key));
}

}  // namespace etcdsync::keys
