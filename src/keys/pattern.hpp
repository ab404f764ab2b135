// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.hpp"
#include "keys/key_range.hpp"

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace etcdsync::keys {

/// A compiled entry of `include` or `exclude`. Keys are bytes without an encoding.
///   ends in "/"              every key that starts with it
///   contains one of * ? [    a glob over the whole key: `*` any run of bytes except "/", `**` any
///                            run, `?` one byte except "/", `[a-z]` `[!a-z]` one byte (not) of the
///                            class and never "/", `\` takes the next byte literally
///   anything else            exactly this key
/// Matching takes time linear in the key, whatever the pattern: it follows all positions of the
/// pattern at once.
class pattern {
public:
    enum class kind { prefix, glob, exact };

    /// Parses a pattern. Fails with a one-sentence error if it is empty, a "[" is not closed or a
    /// "\" ends a glob.
    [[nodiscard]] static base::result<pattern> parse(std::string_view text);

    [[nodiscard]] bool matches(std::string_view key) const;
    [[nodiscard]] kind form() const { return form_; }

    /// An interval that contains every key that matches. For a prefix or an exact key, every key in
    /// it matches.
    [[nodiscard]] const key_range& bounds() const { return bounds_; }

private:
    using byte_set = std::bitset<256>;
    using state_set = std::vector<std::uint64_t>;
    enum class wildcard { none, segment, any };

    /// One byte of the key, possibly preceded by a run (`*` or `**`).
    struct step {
        byte_set accepts;
        wildcard before = wildcard::none;
    };

    class glob_parser;
    pattern(kind form, key_range bounds) : form_(form), bounds_(std::move(bounds)) {}
    void compile(const std::vector<step>& steps, wildcard last);
    [[nodiscard]] bool glob_matches(std::string_view key) const;

    kind form_;
    key_range bounds_;
    // Bit i of a state set means that the first i steps are matched.
    std::size_t steps_ = 0;
    state_set moves_;           ///< for each of the 256 bytes: the states that advance
    state_set stays_;           ///< the states that remain on any byte but "/"
    state_set stays_at_slash_;  ///< the states that remain on "/"
};

/// Escapes `bytes`, so that no byte is a wildcard, for keys written as { hex = "..." }. The pattern
/// matches exactly that key or, if it ends in "/", every key with that prefix.
[[nodiscard]] std::string literal_pattern(std::string_view bytes);

/// True if `text` contains a byte that makes a pattern a glob.
[[nodiscard]] bool has_wildcard(std::string_view text);

}  // namespace etcdsync::keys
