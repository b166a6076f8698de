"""nginx on a free port of this machine, handing out a folder of JSON pages.

Data flow: a folder with ``page-N.json`` -> a configuration in a folder of its own -> nginx in the
foreground -> ``/rows?page=N``, and ``/set/K?page=N`` for many datasets of the same pages. It is
stopped by its own process.

Run it alone: ``pytest`` does not; the benchmarks do. It needs Debian's ``nginx-light``.

What does not belong here: what is in the pages.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CONFIGURATION = """
{user}daemon off; pid {own}/nginx.pid; error_log {own}/error.log; worker_processes 1;
events {{}}
http {{
  access_log {own}/access.log; sendfile on; default_type application/json; etag on;
  client_body_temp_path {own}/1; proxy_temp_path {own}/2; fastcgi_temp_path {own}/3;
  uwsgi_temp_path {own}/4; scgi_temp_path {own}/5;
  map $arg_page $number {{ "" 1; default $arg_page; }}
  server {{
    listen 127.0.0.1:{port}; root {pages};
    location = /rows {{ try_files /page-$number.json =404; }}
    location /set/ {{ try_files /page-$number.json =404; }}
  }}
}}
"""


@contextmanager
def serving(pages: Path, own: Path) -> Iterator[str]:
    """Serve a folder; yields the address."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        sys.exit("nginx is not there: apt-get install nginx-light")
    own.mkdir(parents=True, exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = own / "nginx.conf"
    # A temporary folder is its maker's alone, and root's nginx would read it as somebody else.
    user = "user root;\n" if os.geteuid() == 0 else ""
    places = {"own": own, "port": port, "pages": pages.absolute(), "user": user}
    file.write_text(_CONFIGURATION.format(**places))
    process = subprocess.Popen([program, "-c", str(file.absolute()), "-e", str(own / "error.log")])
    try:
        for _ in range(100):
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        else:
            sys.exit("nginx did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
