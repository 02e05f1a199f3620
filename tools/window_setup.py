# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up a real Blender and a screen to draw on, under ``build/window/``: Debian unstable, which has Blender 5.2.

    python tools/window_setup.py    make it unless it is there; says in a sentence where that cannot be

Only root can, and only where apt is. Everything that has to be mounted is mounted in a *mount namespace* of its own:
the mounts are seen by no other process and vanish with the last one inside. So ``rm -rf build`` never meets a mount,
and never goes through one into the machine's own files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import environments
from environments import Missing

WINDOW = environments.BUILD / "window"
DEBIAN = WINDOW / "debian"
"""The root of the Debian that holds Blender, once it is ready."""

SUITE = "sid"
MEGABYTES = 3500
"""What the set-up takes while it is under way; 2 GB are left of that."""
PACKAGES = (
    "blender",
    "imagemagick",
    "libgl1-mesa-dri",
    "python3-cattr",
    "python3-numpy",
    "python3-requests",
    "xdotool",
    "xvfb",
)
"""No Pillow among them: what the extension finds shall be what its zip carries."""

# Called with the folder of the new Debian and the packages. Nobody is asked anything, and no service is started.
_INSTALL = """
set -eu
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
printf 'exit 101\\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/window"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
chroot "$root" apt-get update
chroot "$root" apt-get install -y --no-install-recommends "$@"
chroot "$root" apt-get clean
ln -s /proc/mounts "$root/etc/mtab"
chroot "$root" blender --version
"""


def reason_against() -> str:
    """Say why there can be no Blender window on this machine, or nothing where there can be one."""
    if not sys.platform.startswith("linux"):
        return "The window tests need Linux: they run Debian's Blender on a virtual screen."
    if os.geteuid() != 0:
        return (
            "The window tests need root, to set up the Debian that their Blender runs in (a container's root will do)."
        )
    for program, package in (
        ("unshare", "util-linux"),
        ("chroot", "coreutils"),
        ("apt-get", "apt, of Debian or Ubuntu"),
    ):
        if shutil.which(program) is None:
            return f"The window tests need the program {program} ({package}), which is not there."
    if subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        return "The window tests need to mount, which root may not do here (docker run --privileged allows it)."
    return ""


def is_ready() -> bool:
    """Tell whether the Debian with Blender was finished and is what is asked for here."""
    try:
        return (DEBIAN / "ready.txt").read_text(encoding="utf-8") == _stamp()
    except OSError:
        return False


def ensure() -> Path:
    """Make the Debian with Blender unless it is ready, and return its root; raise Missing where that cannot be."""
    if reason := reason_against():
        raise Missing(reason)
    with environments.locked(WINDOW / "lock"):
        if not is_ready():
            _create()
    return DEBIAN


def _create() -> None:
    """Make it under another name, and give it its own when it is whole."""
    if shutil.disk_usage(WINDOW).free < MEGABYTES * 1_000_000:
        raise Missing(f"The window tests need about {MEGABYTES} MB, and there is less free in {WINDOW}.")
    environments.tell(f"window: installing Debian {SUITE} with Blender, about {MEGABYTES} MB")
    started = time.monotonic()
    # The lock is held: what is left of an earlier attempt is nobody's.
    for old in (*WINDOW.glob("new-*"), DEBIAN):
        remove(old)
    (WINDOW / "install.log").unlink(missing_ok=True)
    if shutil.which("debootstrap") is None:
        _run("Installing debootstrap", "apt-get", "update", "-qq")
        # With the keys it checks Debian's signatures with, which Ubuntu has in a package of their own.
        packages = ("debootstrap", "debian-archive-keyring")
        _run("Installing debootstrap", "apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages)
    new = Path(tempfile.mkdtemp(dir=WINDOW, prefix="new-"))
    try:
        new.chmod(0o755)
        # debootstrap mounts as well: what it does happens in a namespace of its own.
        bootstrap = ("unshare", "--mount", "debootstrap", "--variant=minbase", SUITE, str(new), *mirror())
        _run(f"Installing Debian {SUITE}", *bootstrap)
        (new / "etc/apt/apt.conf.d/90machine").write_text(_apt_settings(), encoding="utf-8")
        for name in ("hosts", "resolv.conf"):
            shutil.copy(Path("/etc", name), new / "etc" / name)
        _run(
            "Installing Blender",
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "sh",
            "-c",
            _INSTALL,
            "sh",
            str(new),
            *PACKAGES,
        )
        (new / "ready.txt").write_text(_stamp(), encoding="utf-8")
        new.rename(DEBIAN)
    except BaseException:
        remove(new)
        raise
    environments.tell(f"window: ready after {time.monotonic() - started:.0f} s")


def mirror() -> tuple[str, ...]:
    """Give the address of the Debian mirror that this machine's own apt uses; else nothing: debootstrap has its own."""
    listed = _said_by("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    for address in listed.split():
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.path.rstrip("/").endswith("/debian"):
            return (address.rstrip("/"),)
    return ()


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, unless something is mounted there."""
    if not folder.exists():
        return
    with Path("/proc/self/mountinfo").open(encoding="utf-8") as lines:
        places = [Path(line.split()[4].encode().decode("unicode_escape")) for line in lines]
    below = [place for place in places if place.is_relative_to(folder)]
    if below:
        raise Missing(f"Something is mounted at {below[0]}: unmount it first, or its files would be deleted too.")
    shutil.rmtree(folder)


def _apt_settings() -> str:
    """Give this machine's settings for how apt fetches, proxies among them, for the new Debian's apt."""
    wanted = ("acquire::http::", "acquire::https::", "acquire::check-", "acquire::retries")
    lines = _said_by("apt-config", "dump").splitlines()
    # Not the program that would find a proxy: the new Debian does not have it.
    chosen = [line for line in lines if line.lower().startswith(wanted) and "detect" not in line.lower()]
    return "".join(f"{line}\n" for line in chosen)


def _proxy() -> dict[str, str]:
    """Give the proxy of this machine's apt for debootstrap, which would not look there."""
    address = _said_by("apt-config", "dump", "--format", "%v", "Acquire::http::Proxy").strip()
    return {"http_proxy": address, "https_proxy": address} if "://" in address else {}


def _said_by(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _stamp() -> str:
    return "\n".join((SUITE, *PACKAGES, _INSTALL))


def _run(what: str, *command: str) -> None:
    """Run a step with its output in a log, and say in one sentence what went wrong if it did."""
    log = WINDOW / "install.log"
    with log.open("a", encoding="utf-8") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**_proxy(), **os.environ},
            check=False,
        )
    if done.returncode != 0:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        reasons = [line for line in lines if line.startswith("E: ")] or lines
        raise Missing(f"{what} failed: {reasons[-1].removeprefix('E: ')} (all of it in {log}).")


def set_up() -> None:
    """Make it where it can be: where it cannot, that is an error in CI only, and elsewhere what is left out."""
    reason = reason_against()
    if reason and not (os.environ.get("CI") and sys.platform.startswith("linux")):
        environments.tell(f"window: left out. {reason}")
        return
    ensure()


if __name__ == "__main__":
    try:
        set_up()
    except Missing as missing:
        sys.exit(str(missing))
    except OSError as error:
        sys.exit(f"Setting up the window tests failed: {error}")
