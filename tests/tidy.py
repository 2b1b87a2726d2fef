#!/usr/bin/env python3
"""Runs clang-tidy over policy, qmp, guests and src.

Most of clang-tidy's time goes into the headers that the files include, so that all files of a folder
are checked as one: a file that includes them. Where that one is not clean, or does not compile
because two files use a name of their own, its files are checked one by one, and only that counts.

tidy.py SOURCE_ROOT BUILD_DIRECTORY [each]      each: every file by itself, as compiled
"""

import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

FOLDERS = ("policy", "qmp", "guests", "src")


def tidy(database, file, *options):
    """What clang-tidy says of a file, or nothing if the file is clean."""
    command = ["clang-tidy-14", "-p", database, "--quiet", *options, file]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr


def by_folder(source, build):
    """The compile commands of our files, by folder and by what they define."""
    groups = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        file = pathlib.Path(os.path.normpath(os.path.join(entry["directory"], entry["file"])))
        if not file.is_relative_to(source) or file.relative_to(source).parts[0] not in FOLDERS:
            continue
        defines = [word for word in entry["command"].split() if word.startswith("-DVNUMA")]
        key = "-".join([*file.relative_to(source).parent.parts, *(["main"] if defines else [])])
        groups.setdefault(key, {})[file] = entry
    return groups


def write_group(database, name, files):
    """A file that includes all of `files`, and its compile command: that of the first."""
    together = database / f"{name}.cpp"
    together.write_text("".join(f'#include "{file}"  // NOLINT\n' for file in sorted(files)))
    entry = files[min(files)]
    command = entry["command"].replace(entry["file"], str(together))
    return {"directory": entry["directory"], "command": command, "file": str(together)}


def check_group(source, build, database, name, files):
    everywhere = f"--header-filter=^{source}/.*[.][ch]pp$"
    config = f"--config-file={source}/.clang-tidy"
    if name and not tidy(database, database / f"{name}.cpp", config, everywhere):
        return ""
    return "".join(tidy(build, file) for file in sorted(files))


def main(source, build, each):
    database = build / "tidy"
    database.mkdir(exist_ok=True)
    groups = by_folder(source, build)
    entries = [write_group(database, name, files) for name, files in groups.items()]
    (database / "compile_commands.json").write_text(json.dumps(entries))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(check_group, source, build, database, "" if each else name, files)
            for name, files in groups.items()
        ]
    findings = "".join(job.result() for job in jobs)
    print(f"clang-tidy: {sum(map(len, groups.values()))} files in {len(groups)} folders")
    print(findings, end="")
    return 1 if findings or not groups else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]), "each" in sys.argv[3:]))
