"""Imports Open3D where its wheel needs a USB library that the system lacks."""

import importlib
from typing import Any


def load_open3d() -> Any:
    """The `open3d` module.

    Its wheels link against libusb (for depth cameras) and do not bring it; servers and containers
    seldom have it. `libusb-package` does.

    Raises:
        ImportError: if Open3D is not installed.
    """
    try:
        return importlib.import_module("open3d")
    except (ImportError, OSError) as error:
        if "libusb" not in str(error):
            raise
    import ctypes

    import libusb_package

    ctypes.CDLL(str(libusb_package.get_library_path()), mode=ctypes.RTLD_GLOBAL)
    return importlib.import_module("open3d")
