"""Runs a command whose stdout and stderr are full pipes that nobody reads, ends it with SIGTERM after
its first report has had to wait, and prints how it ended: stuck_reader.py COMMAND..."""
import os
import signal
import socket
import subprocess
import sys

END_WITHIN_S = 30


def full_pipe():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    return reader, writer


out_reader, out = full_pipe()
err_reader, err = full_pipe()
notify = "/tmp/vnumad-stuck-reader-%d" % os.getpid()
ready = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ready.bind(notify)
ready.settimeout(END_WITHIN_S)
command = subprocess.Popen(sys.argv[1:], stdout=out, stderr=err, stdin=subprocess.DEVNULL,
                           env=dict(os.environ, NOTIFY_SOCKET=notify))
try:
    # systemd's protocol: READY=1 first, then a STATUS for each tick that has been reported.
    statuses = 0
    while statuses < 2:
        statuses += b"STATUS" in ready.recv(4096)
    command.send_signal(signal.SIGTERM)
    print("ended with", command.wait(END_WITHIN_S))
finally:
    command.kill()
    os.unlink(notify)
