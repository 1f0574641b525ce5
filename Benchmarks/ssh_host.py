"""A real sshd on loopback with an account's own keys, and a relay that makes the way to it longer."""

import os
import socket
import subprocess
import threading
import time
from collections import deque
from pathlib import Path


class SSHHost:
    """sshd with Debian's defaults for everything that concerns speed, a client key, and a client configuration."""

    def __init__(self, place, port):
        self.port = port
        place.mkdir(parents=True, exist_ok=True)
        self.config, self.inbox = place / "ssh_config", place / "inbox"
        self.inbox.mkdir(exist_ok=True)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name], check=True)
        (place / "authorized").write_text((place / "user.pub").read_text())
        (place / "sshd_config").write_text(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized\n"
            "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n"
            "Subsystem sftp /usr/lib/openssh/sftp-server\n")
        Path("/run/sshd").mkdir(exist_ok=True)
        self.place = place
        self.client_ports = {port}
        self.write_client_files()
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", place / "sshd_config"],
                                        stderr=subprocess.DEVNULL)

    def write_client_files(self):
        key = " ".join((self.place / "host.pub").read_text().split()[:2])
        (self.place / "known_hosts").write_text("".join(f"[127.0.0.1]:{port} {key}\n" for port in self.client_ports))
        self.config.write_text(
            f"Host *\n  IdentityFile {self.place}/user\n  IdentitiesOnly yes\n  BatchMode yes\n"
            f"  UserKnownHostsFile {self.place}/known_hosts\n  GlobalKnownHostsFile /dev/null\n")

    def also_at(self, port):
        """Makes the host known under another port, that of a relay."""
        self.client_ports.add(port)
        self.write_client_files()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class DelayedRelay:
    """Passes every byte on, half a round trip later, at whatever rate it comes."""

    def __init__(self, target, round_trip):
        self.delay = round_trip / 2
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in ((near, far), (far, near)):
                for end in (source, sink):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.carry(source, sink)

    def carry(self, source, sink):
        waiting, arrived = deque(), threading.Condition()

        def take():
            while True:
                try:
                    piece = source.recv(1 << 18)
                except OSError:
                    piece = b""
                with arrived:
                    waiting.append((time.monotonic() + self.delay, piece))
                    arrived.notify()
                if not piece:
                    return

        def give():
            while True:
                with arrived:
                    while not waiting:
                        arrived.wait()
                    due, piece = waiting.popleft()
                time.sleep(max(0, due - time.monotonic()))
                try:
                    if not piece:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(piece)
                except OSError:
                    return

        for body in (take, give):
            threading.Thread(target=body, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
