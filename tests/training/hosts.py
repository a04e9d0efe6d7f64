"""Two hosts on this machine: network namespaces with their own names and addresses, joined by a cable (a veth pair)."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESSES = {"host-a": "10.77.30.1", "host-b": "10.77.30.2"}
PORT = 29500


class Host:
    """A network namespace in which commands find the other host by its name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.space = f"{name}-{os.getpid()}"
        self.started: list[subprocess.Popen[str]] = []

    def start(self, log: Path, command: list[str], **environment: str) -> subprocess.Popen[str]:
        """Start a command as the leader of a process group; its output goes to a file."""
        setup = f'hostname {self.name}; exec "$@"'
        inside = ["ip", "netns", "exec", self.space, "unshare", "--uts", "sh", "-c", setup, "sh", *command]
        with log.open("w") as file:
            process = subprocess.Popen(
                inside, stdout=file, stderr=file, text=True, start_new_session=True, env=os.environ | environment
            )
        self.started.append(process)
        return process

    def processes(self) -> list[int]:
        """Ids of the processes that run on this host."""
        done = subprocess.run(["ip", "netns", "pids", self.space], capture_output=True, text=True, check=True)
        return [int(number) for number in done.stdout.split()]

    def kill(self) -> None:
        """End all processes of this host at once, as a loss of power does."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)

    def link(self, state: str) -> None:
        """Pull the cable (``down``) or plug it in (``up``)."""
        ip("-n", self.space, "link", "set", "eth0", state)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def why_not() -> str:
    """Return why this machine cannot have such hosts; nothing if it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "network namespaces need the commands ip and unshare (iproute2, util-linux)"
    probe = f"probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True).returncode != 0:
        return "this machine, perhaps a container, does not allow network namespaces"
    ip("netns", "delete", probe)
    return ""


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Two hosts with a cable between them; afterwards neither they nor their processes are left."""
    hosts = Host("host-a"), Host("host-b")
    names = "127.0.0.1 localhost\n" + "".join(f"{address} {name}\n" for name, address in ADDRESSES.items())
    try:
        for host in hosts:
            ip("netns", "add", host.space)
            folder = Path("/etc/netns") / host.space
            folder.mkdir(parents=True)
            (folder / "hosts").write_text(names)  # `ip netns exec` mounts it
            ip("-n", host.space, "link", "set", "lo", "up")
        one, two = hosts
        ip("-n", one.space, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", two.space)
        for host in hosts:
            ip("-n", host.space, "address", "add", f"{ADDRESSES[host.name]}/24", "dev", "eth0")
            host.link("up")
        yield hosts
    finally:
        for host in hosts:
            if (Path("/run/netns") / host.space).exists():
                host.kill()
                for process in host.started:
                    process.wait()
                ip("netns", "delete", host.space)
            (Path("/etc/netns") / host.space / "hosts").unlink(missing_ok=True)
            folder = Path("/etc/netns") / host.space
            if folder.is_dir():
                folder.rmdir()
