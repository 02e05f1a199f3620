# SPDX-License-Identifier: GPL-3.0-or-later
"""What COLMAP itself says: asked by tests in a process of its own, since pycolmap and Pillow do not get on in one.

    python pycolmap_reference.py

It takes questions from stdin until that closes, a line of JSON each, and answers each with a line of JSON on stdout,
``{"answer": …}`` or ``{"error": …}``. A question is a list of words, and what they are about:

    {"question": ["models"]}                          every camera model: number and names of parameters
    {"question": ["write", FOLDER], "about": SCENE}   write a scene as a model into FOLDER/bin and FOLDER/txt
    {"question": ["project"], "about": CAMERAS}       where the cameras' ``rays`` meet the pictures

A scene has ``cameras`` (identifier, model, width, height, parameters), ``photos`` (name, camera, quaternion w x y z,
translation) and ``points`` (position, color).
"""

import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap


def models() -> dict[str, list[object]]:
    """Number and parameters of every model this COLMAP knows."""
    known = {}
    for name, number in pycolmap.CameraModelId.__members__.items():
        if name != "INVALID":
            camera = pycolmap.Camera.create_from_model_name(1, name, 100.0, 80, 60)
            known[name] = [int(number), [word.strip() for word in camera.params_info.split(",")]]
    return known


def write(folder: Path, scene: dict[str, list[dict[str, object]]]) -> None:
    """Write a model in both formats."""
    model = pycolmap.Reconstruction()
    for camera in scene["cameras"]:
        model.add_camera_with_trivial_rig(_camera(camera))
    tracks: dict[int, list[tuple[int, int]]] = {}
    for number, photo in enumerate(scene["photos"], 1):
        w, x, y, z = photo["quaternion"]
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(np.array([x, y, z, w])), np.array(photo["translation"]))
        observations = []
        # One photo without any observation: its second line in the text file is empty.
        for index in range(len(scene["points"]) if number > 1 else 0):
            observations.append(pycolmap.Point2D(np.array([float(index), 1.0])))
            tracks.setdefault(index, []).append((number, index))
        image = pycolmap.Image(name=photo["name"], points2D=observations, camera_id=photo["camera"], image_id=number)
        model.add_image_with_trivial_frame(image, pose)
    for index, point in enumerate(scene["points"]):
        track = pycolmap.Track()
        for each in tracks.get(index, [])[: index % 5 + 2]:
            track.add_element(*each)
        model.add_point3D(np.array(point["position"]), track, np.array(point["color"], dtype=np.uint8))
    for form, save in (("bin", model.write_binary), ("txt", model.write_text)):
        (folder / form).mkdir(parents=True)
        save(folder / form)


def project(asked: list[dict[str, object]]) -> list[list[list[float]]]:
    """For each camera, where each of its rays (x, y, z of the camera's frame) meets the picture; NaN where nowhere."""
    return [_camera(each).img_from_cam(np.array(each["rays"], dtype=float)).tolist() for each in asked]


def _camera(values: dict[str, object]) -> pycolmap.Camera:
    return pycolmap.Camera(
        camera_id=values.get("identifier", 1),
        model=values["model"],
        width=values["width"],
        height=values["height"],
        params=values["parameters"],
    )


def answer(question: list[str], about: Any = None) -> Any:
    """Answer one question."""
    match question:
        case ["models"]:
            return models()
        case ["write", folder]:
            return write(Path(folder), about)
        case ["project"]:
            return project(about)
    raise ValueError(question)


def main() -> None:
    """Answer until nobody asks any more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # where a library prints something
    for line in sys.stdin:
        try:
            said = {"answer": answer(**json.loads(line))}
        except Exception:  # noqa: BLE001 - whatever it is, the test that asked shall tell of it
            said = {"error": traceback.format_exc()}
        print(json.dumps(said), file=answers, flush=True)


if __name__ == "__main__":
    main()
