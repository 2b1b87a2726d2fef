#!/usr/bin/env python3
"""A vnumad with three made-up guests, for tests of vnumactl: fake_vnumad.py DIRECTORY

It listens at DIRECTORY/control.sock, and writes a line to DIRECTORY/orders for each request that
would change something. While there is a file DIRECTORY/silent, it answers nothing.
"""
import json
import os
import socketserver
import sys
import time

GIB = 1 << 30
directory = sys.argv[1]
begin = time.time()


def node(number):
    return {"node": number, "cpus": ["0-3", "4-7"][number], "capacity_milli": 4000,
            "guest_use_milli": 1500, "other_use_milli": 200, "memory_bytes": 64 * GIB,
            "available_bytes": 40 * GIB, "guest_memory_bytes": 12 * GIB,
            "not_at_home_bytes": 2 * GIB * number, "hot_remote_bytes": GIB * number, "huge": [],
            "distances": [[10, 21], [21, 10]][number]}


def guest(number, doing):
    memory = [{"node": 0, "bytes": 3 * GIB}, {"node": 1, "bytes": GIB}]
    cell = {"cell": 0, "home": 0, "vcpus": [0, 1], "reason": "settled", "cpu_use_milli": 500,
            "size_bytes": 4 * GIB, "memory": memory, "locality_permille": 750,
            "to_move_bytes": GIB}
    return {"name": "web%d" % number, "uuid": "00000000-0000-0000-0000-%012d" % number,
            "id": number, "pid": 1000 + number, "source": "libvirt", "state": "running",
            "mode": "act", "doing": doing, "cells": [cell], "vcpus": 2, "cpu_use_milli": 500,
            "size_bytes": 4 * GIB, "memory": memory, "locality_permille": 750,
            "to_move_bytes": GIB, "moved_bytes_per_second": GIB // 4}


GUESTS = [guest(1, "moving"), guest(2, "at-home"), guest(3, "at-home")]


def status(_):
    return {"version": "1", "pid": os.getpid(), "uptime_ms": 1000, "mode": "act", "source": "auto",
            "tick": int((time.time() - begin) * 10), "time_ms": int(time.time() * 1000),
            "interval_ms": 100, "trouble": [], "rivals": [], "nodes": [node(0), node(1)],
            "guests": {"all": 3, "at_home": 2, "moving": 1, "waiting": 0, "roaming": 0,
                       "left_alone": 0},
            "not_at_home": GUESTS[:1]}


def find(arguments):
    return next(one for one in GUESTS if one["uuid"] == arguments["guest"])


def details(arguments):
    policy = [{"key": "mode", "value": "act", "source": "built-in"}]
    return {"summary": find(arguments), "policy": policy, "report": {}}


def explanation(arguments):
    one = find(arguments)
    cell = {"cell": 0, "where_it_is": "Its vCPUs run on node 0.", "where_it_should_be": "",
            "why": "Its memory is there.", "elsewhere": [], "in_the_way": [], "could_change": []}
    return {"name": one["name"], "uuid": one["uuid"], "guest": ["It runs."], "cells": [cell]}


def heat_map(arguments):
    one = find(arguments)
    blocks = [{"node": number % 2, "heat_permille": number * 1000 // 64, "accessor": number % 3 - 1}
              for number in range(64)]
    return {"name": one["name"], "uuid": one["uuid"], "block_bytes": GIB // 16, "blocks": blocks}


def ordered(name):
    def order(arguments):
        with open(os.path.join(directory, "orders"), "a") as file:
            file.write(json.dumps([name, arguments]) + "\n")
        if name in ("set-policy", "unset-policy"):
            return {"target": "guest web1", "values": [], "run_time": [], "problems": []}
        return {"what": "vnumad has done " + name}
    return order


COMMANDS = {
    "qmp_capabilities": lambda _: {},
    "set-events": lambda _: {"what": "no events are sent"},
    "query-status": status,
    "query-guests": lambda _: GUESTS,
    "query-guest": details,
    "query-explanation": explanation,
    "query-heat-map": heat_map,
}
for command in ("freeze", "thaw", "set-policy", "unset-policy"):
    COMMANDS[command] = ordered(command)


class Client(socketserver.StreamRequestHandler):
    def send(self, message):
        self.wfile.write(json.dumps(message).encode() + b"\r\n")

    def handle(self):
        version = {"qemu": {"major": 1, "minor": 0, "micro": 0}, "package": "fake"}
        self.send({"QMP": {"version": version, "capabilities": []}})
        for line in self.rfile:
            request = json.loads(line)
            while os.path.exists(os.path.join(directory, "silent")):
                time.sleep(0.05)
            answer = COMMANDS[request["execute"]](request.get("arguments", {}))
            self.send({"return": answer, "id": request["id"]})


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


path = os.path.join(directory, "control.sock")
if os.path.exists(path):
    os.unlink(path)
with Server(path, Client) as server:
    server.serve_forever()
