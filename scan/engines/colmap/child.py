# SPDX-License-Identifier: GPL-3.0-or-later
"""The script that pycolmap runs in: one step of a solve, in a process of its own.

pycolmap may end the whole process, and once it is loaded, Pillow can no longer write a PNG: so no other module of the
extension is imported here. The environment variable SCAN_CUTOUT_SYS_PATH holds the module search path, as for the
worker. Standard input is not used; the argument is the step as JSON, or ``look``.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any


def look(colmap: Any) -> None:
    """Print the version."""
    print(json.dumps({"version": str(colmap.__version__)}))


def extract(colmap: Any, step: dict[str, Any]) -> None:
    """Find features; see ``colmap.steps.Extract``."""
    reader = colmap.ImageReaderOptions()
    if step["masks"]:
        reader.mask_path = step["masks"]
    options = colmap.FeatureExtractionOptions()
    options.max_image_size = step["longest_edge"]
    options.sift.max_num_features = step["features"]
    options.sift.first_octave = step["first_octave"]
    options.num_threads = step["threads"]
    colmap.extract_features(
        step["database"],
        step["images"],
        image_names=Path(step["names"]).read_text("ascii").split(),
        camera_mode=colmap.CameraMode.PER_IMAGE,
        reader_options=reader,
        extraction_options=options,
    )


def match(colmap: Any, step: dict[str, Any]) -> None:
    """Match features; see ``colmap.steps.Match``. Neither a vocabulary tree nor loop detection: both download."""
    pairing = colmap.ImportedPairingOptions()
    pairing.match_list_path = step["pairs"]
    pairing.block_size = step["block"]
    verification = colmap.TwoViewGeometryOptions()
    verification.ransac.max_num_trials = step["trials"]
    verification.ransac.random_seed = 0
    colmap.match_image_pairs(step["database"], pairing_options=pairing, verification_options=verification)


def place(colmap: Any, step: dict[str, Any]) -> None:
    """Place the cameras; see ``colmap.steps.Map``."""
    if step["mapper"] == "GLOBAL":
        options = colmap.GlobalPipelineOptions()
        mapping = colmap.global_mapping
    else:
        options = colmap.IncrementalPipelineOptions()
        options.extract_colors = False
        options.ba_global_frames_ratio = options.ba_global_points_ratio = step["global_growth"]
        options.ba_global_max_refinements = step["global_refinements"]
        options.ba_local_max_refinements = step["local_refinements"]
        options.ba_global_function_tolerance = step["global_tolerance"]
        options.mapper.filter_max_reproj_error = step["most_error"]
        mapping = colmap.incremental_mapping
    options.random_seed = 0
    options.min_model_size = step["least_model"]
    options.min_num_matches = step["least_matches"]
    mapping(step["database"], step["images"], step["models"], options=options)


def main(argument: str) -> None:
    """Do one step."""
    colmap: Any = importlib.import_module("pycolmap")  # not a plain import: type checks run where it is missing
    if argument == "look":
        look(colmap)
        return
    colmap.set_random_seed(0)
    step = json.loads(argument)
    {"Extract": extract, "Match": match, "Map": place}[step["step"]](colmap, step)


if __name__ == "__main__":
    sys.path[:] = json.loads(os.environ["SCAN_CUTOUT_SYS_PATH"])
    main(sys.argv[1])
