# SPDX-License-Identifier: MIT
"""nginx and haproxy as children in the foreground, with a directory and configurations of their own. They listen on a UNIX
socket, so that no port has to be free, are as lenient as they can be made, and write down what they sent on."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

from listening import wait_for

PATIENCE = 60  # seconds, for what should take none
TAG = re.compile(r"/([msa]/\d+)")  # whose request a target is, see ambiguous.py


def tag_of(target):
    found = TAG.search(target)
    return found[1] if found else "?"


def program(name):
    """They are no commands for users: not everybody has the directory in his path."""
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin") or name


class Proxy:
    """`behind` is host:port of what it stands in front of."""
    NAME = ""
    CONFIGURATION = ""
    NOBODY = ()  # what it writes down as whom a request was sent to that was sent to nobody
    STOPS = signal.SIGTERM  # the signal that has it end when it has nothing to do any more

    def __init__(self, directory, behind):
        self.directory = pathlib.Path(directory)
        self.socket = str(self.directory / "front")
        text = self.CONFIGURATION.replace("DIRECTORY", directory).replace("BEHIND", behind)
        configuration = self.directory / "configuration"
        configuration.write_text(text, encoding="ascii")
        self.said = open(self.directory / "said", "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen([program(self.NAME), *self.arguments(configuration)], stdin=subprocess.DEVNULL,
                                        stdout=self.said, stderr=subprocess.STDOUT)
        try:
            wait_for(self.listens, PATIENCE, "does not listen")
        except AssertionError:
            self.stop()
            raise

    def listens(self):
        """haproxy binds under another name and renames, so connecting alone tells."""
        if self.process.poll() is not None:
            raise AssertionError(self.stop())
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(self.socket) == 0

    def stop(self):
        """What it has said, when it has ended."""
        if self.process.poll() is None:
            self.process.send_signal(self.STOPS)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.said.seek(0)
        text = self.said.read()
        self.said.close()
        return text

    def sent_on(self):
        """Ends it. [(tag, status, whether the connection behind ended with it)] of each request that it sent on."""
        rows = [each.split("\t")[1:] for each in self.log(self.stop()).splitlines() if each.startswith("sent\t")]
        return self.understand([row for row in rows if row[1] not in self.NOBODY])

    def arguments(self, configuration):
        raise NotImplementedError

    def log(self, said):
        return said

    def understand(self, rows):
        raise NotImplementedError


class Nginx(Proxy):
    NAME = "nginx"
    NOBODY = ("-", "")
    STOPS = signal.SIGQUIT
    CONFIGURATION = """
daemon off;
master_process off;
pid DIRECTORY/pid;
error_log stderr error;
events { worker_connections 512; }
http {
    client_body_temp_path DIRECTORY/body;
    proxy_temp_path DIRECTORY/proxy;
    fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi;
    scgi_temp_path DIRECTORY/scgi;
    log_format sent_on 'sent\\t$request_uri\\t$upstream_addr\\t$upstream_status\\t$upstream_http_connection';
    access_log DIRECTORY/log sent_on;
    ignore_invalid_headers off;
    underscores_in_headers on;
    merge_slashes off;
    large_client_header_buffers 4 64k;
    client_header_timeout 5s;
    client_body_timeout 5s;
    lingering_close off;
    upstream behind {
        server BEHIND;
        keepalive 1;
    }
    server {
        listen unix:DIRECTORY/front;
        location / {
            proxy_pass http://behind;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_request_buffering off;
            proxy_ignore_client_abort on;
            proxy_next_upstream off;
            proxy_read_timeout 5s;
        }
    }
}
"""

    def arguments(self, configuration):
        return ["-p", str(self.directory), "-c", str(configuration), "-e", "stderr"]

    def log(self, said):
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")

    def understand(self, rows):
        return [(tag_of(target), status, connection == "close") for target, _, status, connection in rows]


class Haproxy(Proxy):
    NAME = "haproxy"
    NOBODY = ("<NOSRV>",)
    STOPS = signal.SIGUSR1
    CONFIGURATION = """
global
    # One thread: of several that write a line at the same time some give up, and then requests seem not to have been sent on.
    nbthread 1
    maxconn 200
    log stdout format raw local0
defaults
    mode http
    log global
    option accept-invalid-http-request
    http-reuse always
    retries 0
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    timeout http-request 5s
    timeout http-keep-alive 5s
frontend front
    bind unix@DIRECTORY/front
    log-format "sent\\t%HU\\t%s\\t%ST\\t%bp\\t%ts"
    default_backend behind
backend behind
    server one BEHIND maxconn 1
"""

    def arguments(self, configuration):
        return ["-db", "-f", str(configuration)]

    def understand(self, rows):
        """A connection has ended when none of the later requests went over it: its port is not seen again."""
        ports = [port for _, _, _, port, _ in rows]
        return [(tag_of(row[0]), row[2], row[3] not in ports[number + 1:]) for number, row in enumerate(rows)]
