#!/usr/bin/env python3
"""Writes text files as definitions of embedded.hpp: embed.py OUT.cpp NAME=FILE..."""
import base64
import hashlib
import sys

CHUNK = 2000  # bytes of a string literal; compilers limit the length of one


def literal(data):
    """The bytes as a string literal of C++. Octal escapes end after three digits."""
    plain = {ord("\n"): "\\n", ord('"'): '\\"', ord("\\"): "\\\\", ord("?"): "\\?"}
    return '"' + "".join(
        plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in data) + '"'


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    # The map of a script is not part of a page, and a browser would look for it.
    lines = [line for line in data.split(b"\n") if not line.startswith(b"//# sourceMappingURL=")]
    data = b"\n".join(lines)
    # Any of these would end a script or a style of the page, or change the text that is hashed.
    for forbidden in b"\r", b"\0", b"</script", b"</style":
        if forbidden in data.lower() and not path.endswith(".html"):
            sys.exit(f"{path}: must not have {forbidden!r}")
    return data


def main():
    out, *files = sys.argv[1:]
    with open(out, "w", encoding="ascii") as file:
        file.write('#include "src/ctl/plot/embedded.hpp"\n\nnamespace vnuma::ctl::plot {\n')
        for entry in files:
            name, path = entry.split("=", 1)
            data = read(path)
            digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
            chunks = [literal(data[i:i + CHUNK]) for i in range(0, len(data), CHUNK)] or ['""']
            file.write(f"\nstatic constexpr char {name}_text[] =\n    " + "\n    ".join(chunks) +
                       f';\nconst EmbeddedFile {name}{{{{{name}_text, sizeof {name}_text - 1}}, '
                       f'"sha256-{digest}"}};\n')
        file.write("\n}  // namespace vnuma::ctl::plot\n")


main()
