#!/usr/bin/env python3
"""opening_time.py PROGRAM: opens the page of plots that PROGRAM prints in Chromium, and prints how
long that took: from the navigation until the charts in view were painted, by the clock of the page.
Fails if the page has errors or draws nothing. Without Chromium it is skipped (77).

Time is real here, while plot_test.sh lets the browser's time jump, in which drawing takes none."""

import http.server
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

LONGEST_S = 100
# The page permits no scripts but its own, so the one below needs this to be taken out.
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# Charts in view are drawn in one frame, before which `charts` is 0. The second frame after that
# begins when they have been painted.
CLOCK = """<script>
(function wait() {
  const page = document.body.dataset;
  if (page.errors === '0' && !(Number(page.charts) > 0)) return requestAnimationFrame(wait);
  requestAnimationFrame(() => requestAnimationFrame(() => {
    page.openedMs = String(Math.round(performance.now()));
    fetch('/opened', {method: 'POST', body: JSON.stringify({...page})});
  }));
})();
</script>
"""


def measured(page):
    """The page with a clock at its end."""
    page, policies = POLICY.subn("", page)
    begin, tag, end = page.rpartition("</body>")
    if policies != 1 or not tag:
        sys.exit("the page has not one policy and a body")
    return (begin + CLOCK + tag + end).encode()


def serve(page, opened):
    """A server of the page on a port of its own, which puts what the page reports into a queue."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def reply(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.reply(*((200, page) if self.path == "/" else (404, b"")))

        def do_POST(self):
            report = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.reply(200, b"")
            opened.put(report)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


def open_page(browser, page):
    """What the page reports of itself, or None if it has not within LONGEST_S."""
    opened = queue.Queue()
    address = serve(page, opened)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(
            [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--no-proxy-server", "--disable-background-networking",
             f"--user-data-dir={folder}", "--window-size=1280,900",
             # Keeps it open until it is ended.
             "--remote-debugging-port=0", address],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            return opened.get(timeout=LONGEST_S)
        except queue.Empty:
            return None
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def main(program):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if not browser:
        print("skipped: Chromium is not installed")
        sys.exit(77)
    text = subprocess.run([program], check=True, capture_output=True, encoding="utf-8").stdout
    report = open_page(browser, measured(text))
    if report is None:
        sys.exit(f"the page has drawn nothing within {LONGEST_S} s")
    if report["errors"] != "0":
        sys.exit(f"the page has errors: {report}")
    print(f"{report['guests']} guests, {len(text.encode())} bytes: opened in "
          f"{report['openedMs']} ms, with {report['charts']} charts in view")


if __name__ == "__main__":
    main(sys.argv[1])
