#!/usr/bin/env python3
"""The demo with its shell, as a reader at a terminal sees it.

demo.py BOOTSTRAP VNUMA_LAB VNUMA_DEMO
"""

import fcntl
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

UNTIL_HOME_S = 780  # as long as the lab may run
ANSWER_S = 60
PROMPT = "(vnumad demo)"


class Failure(Exception):
    pass


class Terminal:
    """A terminal of 24 lines, on which a command runs."""

    def __init__(self, command):
        self.shown = ""
        self.read_to = 0  # where in `shown` the next text is looked for
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm", LC_ALL="C.UTF-8")
            os.execv(command[0], command)
        self.resize(24, 80)

    def resize(self, rows, columns):
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, size)

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def read(self, deadline, what):
        """Takes what is shown next. False after the command's end."""
        left_s = max(deadline - time.monotonic(), 0)
        if not select.select([self.descriptor], [], [], left_s)[0]:
            raise Failure(f"the time is over, without: {what}")
        try:
            self.shown += os.read(self.descriptor, 65536).decode(errors="replace")
        except OSError:  # EIO: nobody has the terminal open any more
            return False
        return True

    def wait_for(self, text, limit_s=ANSWER_S):
        deadline = time.monotonic() + limit_s
        while (found := self.shown.find(text, self.read_to)) < 0:
            if not self.read(deadline, text):
                raise Failure(f"the command has ended, without: {text}")
        self.read_to = found + len(text)

    def wait_for_end(self):
        """The exit status."""
        deadline = time.monotonic() + ANSWER_S
        while self.read(deadline, "the end"):
            pass
        pid, self.pid = self.pid, 0
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def end(self):
        """The lab that is killed takes its host along."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.descriptor)


def check(holds, what):
    if not holds:
        raise Failure(what)


def look_around(terminal):
    terminal.wait_for("starting guest alpha", UNTIL_HOME_S)
    children = pathlib.Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children")
    host = pathlib.Path("/proc", children.read_text().split()[0])
    check(host.exists(), "the lab has no host")
    terminal.wait_for("Both guests are home", UNTIL_HOME_S)
    terminal.wait_for("$ vnumactl explain alpha")
    terminal.wait_for("at home on node")
    terminal.wait_for("ends this host")
    terminal.wait_for(PROMPT)

    terminal.type("echo guests: $(vnumactl list --no-headers | wc -l).\r")
    terminal.wait_for("guests: 2.")
    terminal.wait_for(PROMPT)
    terminal.type("echo size: $(stty size).\r")
    terminal.wait_for("size: 24 80.")
    terminal.wait_for(PROMPT)
    terminal.resize(30, 100)
    terminal.type("echo size: $(stty size).\r")
    terminal.wait_for("size: 30 100.")
    terminal.wait_for(PROMPT)

    terminal.type("vnumactl top\r")
    terminal.wait_for("\033[?1049h")  # the other screen
    terminal.wait_for("beta")
    terminal.type("q")
    terminal.wait_for("\033[?1049l")
    terminal.wait_for(PROMPT)
    # Completion by vnumactl itself, with the names of the guests.
    terminal.type("vnumactl explain b\t\r")
    terminal.wait_for("explain beta")
    terminal.wait_for("Cell 0")
    terminal.wait_for(PROMPT)

    # The status of the last command is not the demo's.
    terminal.type("false\r")
    terminal.wait_for(PROMPT)
    terminal.type("exit\r")
    status = terminal.wait_for_end()
    check(status == 0, f"exit status {status}")
    check(not host.exists(), "the host is left running")


def needs_a_terminal(bootstrap):
    refused = subprocess.run(
        [bootstrap, "demo", "--shell"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=ANSWER_S,
        check=False,
    )
    check(refused.returncode == 1, f"exit status {refused.returncode} without a terminal")
    check("needs a terminal" in refused.stderr, f"without a terminal it says: {refused.stderr}")


def passes(lab, demo):
    terminal = Terminal(
        [lab, "run", "--timeout", str(UNTIL_HOME_S), "--terminal", "--", demo, "--shell"]
    )
    try:
        look_around(terminal)
        return True
    except (Failure, OSError, IndexError) as failure:
        print(f"{failure!r}; the terminal showed:\n{terminal.shown}")
        return False
    finally:
        terminal.end()


def main(bootstrap, lab, demo):
    needs_a_terminal(bootstrap)
    # Emulation may end a host or a guest at any time (docs/lab.md).
    if passes(lab, demo):
        return 0
    print("second attempt: demo: it failed; the reason is above", flush=True)
    return 0 if passes(lab, demo) else 1


sys.exit(main(*sys.argv[1:]))
