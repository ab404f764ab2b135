# SPDX-License-Identifier: Apache-2.0
"""Masks comments, literals and preprocessor lines of C++ text; line numbers do not change."""

import pathlib
import re

EXTENSIONS = (".cpp", ".hpp", ".ipp")

_SCAN = re.compile(
    r"""
    (?P<line_comment>//(?:\\\n|[^\n])*)
  | (?P<block_comment>/\*.*?(?:\*/|\Z))
  | (?P<raw>(?:u8|[uUL])?R"(?P<delim>[^()\\\s]{0,16})\(.*?\)(?P=delim)")
  | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<number>\.?\d(?:[eEpP][+-]|'[\da-zA-Z]|[\w.])*)
  | (?P<char>(?:\b(?:u8|[uUL]))?'(?:\\.|[^'\\\n])+')
  | (?P<word>[A-Za-z_]\w*)
    """,
    re.X | re.S,
)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def mask(text, keep_strings=False):
    """Blanks comments and, unless `keep_strings`, the content of string and character literals."""

    def replace(m):
        kind = m.lastgroup if m.lastgroup != "delim" else "raw"
        found = m.group(0)
        if kind in ("line_comment", "block_comment"):
            return _blank(found)
        if kind in ("string", "raw", "char") and not keep_strings:
            quote = '"' if kind != "char" else "'"
            return quote + _blank(found[1:-1]) + quote
        return found

    return _SCAN.sub(replace, text)


def mask_preprocessor(masked):
    """Blanks preprocessor lines, continuations included, of masked text."""
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda m: _blank(m.group(0)), masked, flags=re.M)


def comments(text):
    """Yields (line, comment) of every comment."""
    for m in _SCAN.finditer(text):
        if m.lastgroup in ("line_comment", "block_comment"):
            yield text.count("\n", 0, m.start()) + 1, m.group(0)


def files_under(root, names):
    """The C++ files in the given directories (or the given files), sorted."""
    found = []
    for name in names:
        path = pathlib.Path(root, name)
        if path.is_file():
            found.append(path)
        else:
            found += [p for p in path.rglob("*") if p.suffix in EXTENSIONS and p.is_file()]
    return sorted(found)
