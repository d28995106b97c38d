"""Lidar Label: sensor recordings in, labels out that a machine proposed and people corrected."""

from pathlib import Path

__version__ = "0.1.0"

# In a checkout the sibling folders kernels/, calibration/, datasets/, viewers/ are subpackages of
# this one; an installed wheel has them inside, so the checkout is only searched when it is one.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file():
    __path__.append(str(_checkout))
