# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension installs through Blender's own extension manager, uses the wheels it carries, and leaves no trace."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import build
import environments
import fetch

INSTALL_FROM_REPOSITORY = """
    preferences = bpy.context.preferences
    preferences.system.use_online_access = True
    for repository in list(preferences.extensions.repos):
        if repository.use_remote_url:
            preferences.extensions.repos.remove(repository)
    repository = preferences.extensions.repos.new(name="Test", module="test", remote_url=arguments[0])
    index = list(preferences.extensions.repos).index(repository)
    bpy.ops.extensions.repo_sync(repo_index=index)
    bpy.ops.extensions.package_install(repo_index=index, pkg_id="scan_cutout", enable_on_install=True)

    import PIL._imaging, pathlib, tomllib
    installed = pathlib.Path(repository.directory, "scan_cutout")
    manifest = tomllib.loads((installed / "blender_manifest.toml").read_text("utf-8"))
    result = {"manifest": manifest, "enabled": "bl_ext.test.scan_cutout" in preferences.addons}
"""

# Everything an add-on can leave in Blender. Blender does not list command-line commands, but it warns when one is
# registered twice.
LEFTOVERS = """
    import os, sys, threading

    def draw_functions():
        for name in dir(bpy.types):
            for function in getattr(getattr(getattr(bpy.types, name), "draw", None), "_draw_funcs", ()):
                # A menu that was extended once keeps its own function in the list, for good.
                if not function.__module__.startswith("bl_ui."):
                    yield f"{name}: {function.__module__}.{function.__qualname__}"

    def property_names(name):
        return getattr(getattr(bpy.types, name), "bl_rna", bpy.types.Struct.bl_rna).properties.keys()

    def state():
        handlers = bpy.app.handlers
        return {
            "modules": {name for name in sys.modules if "scan_cutout" in name},
            "threads": {thread.name for thread in threading.enumerate()},
            "add-ons": set(bpy.context.preferences.addons.keys()),
            "handlers": {f"{name}: {one}" for name in dir(handlers) if isinstance(getattr(handlers, name), list)
                         for one in getattr(handlers, name)},
            "draw functions": set(draw_functions()),
            "types": set(dir(bpy.types)),
            "operators": {f"{group}.{name}" for group in dir(bpy.ops) for name in dir(getattr(bpy.ops, group))},
            "properties": {f"{name}.{key}" for name in dir(bpy.types) for key in property_names(name)},
            "attributes": {f"{name}.{key}" for name in ("Scene", "WindowManager", "Object", "Camera")
                           for key in vars(getattr(bpy.types, name))},
        }

    def register_command_too():
        bpy.utils.unregister_cli_command(bpy.utils.register_cli_command("scan_cutout", lambda argv: 0))

    repository = next(one for one in bpy.context.preferences.extensions.repos if one.module == "user_default")
    before = state()
    bpy.ops.extensions.package_install_files(filepath=arguments[0], repo="user_default", enable_on_install=True)
    enabled = state()
    register_command_too()
    if arguments[1] == "disable":
        bpy.ops.preferences.addon_disable(module="bl_ext.user_default.scan_cutout")
    else:
        bpy.ops.extensions.package_uninstall(repo_directory=repository.directory, pkg_id="scan_cutout")
    register_command_too()
    after = state()
    python = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site_packages = os.path.join(repository.directory, "..", ".local", "lib", python, "site-packages")
    result = {
        "added": {key: sorted(enabled[key] - before[key]) for key in before},
        "left": {key: sorted(after[key] - before[key]) for key in before},
        "files": sorted(os.listdir(repository.directory)),
        "wheels": sorted(os.listdir(site_packages)),
    }
"""


@pytest.fixture
def repository(dist: Path) -> Iterator[str]:
    """Serve the built zips on a loopback port, as a static repository, and give its address."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(dist))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.json"
        server.shutdown()


@pytest.mark.compat
def test_it_is_enabled_and_uses_the_vendored_wheels(blender_installed):
    found = blender_installed.run("""
        import PIL, PIL.Image, PIL._imaging
        result = {"pillow": [PIL.__version__, PIL.__file__, PIL._imaging.__file__],
                  "enabled": "bl_ext.user_default.scan_cutout" in bpy.context.preferences.addons}
    """).result
    version, *files = found["pillow"]
    site_packages = blender_installed.home / "extensions" / ".local"
    assert found["enabled"]
    assert all(site_packages in Path(file).parents for file in files), files
    assert f"\npillow=={version} " in environments.requirements_of("tests").read_text(encoding="utf-8")


@pytest.mark.compat
def test_blender_picks_the_right_zip_from_the_repository(blender, repository):
    run = blender.run(INSTALL_FROM_REPOSITORY, repository, env={"no_proxy": "127.0.0.1"})
    assert run.result["enabled"], run.stdout + run.stderr
    assert run.result["manifest"]["platforms"] == [blender.target.platform]
    tag = blender.target.python.replace(".", "")
    assert all(f"-cp{tag}-" in wheel for wheel in run.result["manifest"]["wheels"])


@pytest.mark.compat
@pytest.mark.parametrize("way", ["disable", "uninstall"])
def test_nothing_is_left_behind(blender, dist, way):
    run = blender.run(LEFTOVERS, dist / build.zip_name(blender.target), way)
    found = run.result
    left = found["left"]
    if way == "disable":
        # Blender keeps the modules of a disabled add-on, to reload them when it is enabled again.
        assert all("scan_cutout" in name for name in left.pop("modules"))
    assert {key: names for key, names in left.items() if names} == {}, "what the extension added is still there"
    assert found["added"]["operators"], "the comparison sees what an extension adds"
    warnings = (run.stdout + run.stderr).count('duplicate command "scan_cutout"')
    assert warnings == 1, "the command is there while enabled and gone after"
    # On Windows, the library files of a running process cannot be removed; Blender does that at its next start.
    if way == "uninstall" and os.name != "nt":
        assert "scan_cutout" not in found["files"]
        assert found["wheels"] == []


def test_the_python_of_another_zip_is_refused_in_words(blender, dist):
    other = next(target for target in fetch.TARGETS if target.python not in ("3.14", blender.target.python))
    path = dist / build.zip_name(other._replace(platform=blender.target.platform))
    run = blender.run(
        """
        try:
            bpy.ops.extensions.package_install_files(filepath=arguments[0], repo="user_default", enable_on_install=True)
            said = ""
        except RuntimeError as error:
            said = str(error)
        result = {"said": said, "enabled": "bl_ext.user_default.scan_cutout" in bpy.context.preferences.addons}
        """,
        path,
    )
    assert not run.result["enabled"]
    assert "scan_cutout" in run.result["said"] + run.stdout + run.stderr
