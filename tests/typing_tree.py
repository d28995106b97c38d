"""Links the five folders into one package tree under build/typing, where pyright can follow it."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "build" / "typing" / "lidar_label"


def main() -> None:
    """Make the tree anew: real folders, linked files (pyright passes over linked folders)."""
    shutil.rmtree(TREE, ignore_errors=True)
    for folder in ("lidar_label", "kernels", "calibration", "datasets", "viewers", "benchmarks"):
        place = TREE if folder == "lidar_label" else TREE / folder
        for source in sorted((ROOT / folder).rglob("*")):
            if source.suffix in {".py", ".typed"} and "node_modules" not in source.parts:
                link = place / source.relative_to(ROOT / folder)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(source)


if __name__ == "__main__":
    main()
