#!/usr/bin/env python3
"""Starts vnumad as systemd does for somebody who connects to its sockets: socket_activation.py DIRECTORY VNUMAD...

The sockets are made here and inherited. Prints "served" if both answer, each with its rights.
"""
import json
import os
import signal
import socket
import sys

directory, command = sys.argv[1], sys.argv[2:]
# The first by the name of its descriptor, the second by its path.
paths = [directory + "/any.sock", directory + "/control-ro.sock"]
listeners = []
for path in paths:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    listeners.append(listener)

vnumad = os.fork()
if vnumad == 0:
    for number, listener in enumerate(listeners):
        os.dup2(listener.fileno(), 100 + number)
    for number in range(len(listeners)):
        os.dup2(100 + number, 3 + number)
        os.set_inheritable(3 + number, True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="control:unknown")
    os.execv(command[0], command)


def ask(path, name):
    """The reply of vnumad, which answers when it has started."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(path)
        lines = client.makefile("rw")
        lines.readline()
        for request in ("qmp_capabilities", name):
            lines.write(json.dumps({"execute": request}) + "\n")
            lines.flush()
            while True:
                reply = json.loads(lines.readline())
                if "event" not in reply:
                    break
    return reply


try:
    for path in paths:
        assert ask(path, "query-status")["return"]["mode"] == "observe"
    refused = ask(paths[1], "freeze")["error"]
    assert refused["class"] == "NotPermitted", refused
    assert ask(paths[0], "query-commands")["return"]
finally:
    os.kill(vnumad, signal.SIGTERM)
    status = os.waitpid(vnumad, 0)[1]
assert status == 0, status
for path in paths:
    assert os.path.exists(path), "systemd's sockets are left to systemd"
print("served")
