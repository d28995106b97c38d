"""The one way kernels are compiled: typed, cached on disk, without the interpreter lock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from lidar_label.kernels.kernel_cache import KernelCache

F = TypeVar("F", bound=Callable[..., object])

# What lets the compiler add and compare several numbers at once; infinities keep their meaning.
_ANY_ORDER = {"reassoc", "contract", "nsz", "nnan", "arcp"}


def kernel(function: F) -> F:
    """Compile `function` by numba (`nogil`, cached on disk) and keep its type."""
    return _compiled(function, {})


def simd_kernel(function: F) -> F:
    """Compile like `kernel`, sums and minima in any order: for loops over numbers without NaN."""
    return _compiled(function, {"fastmath": _ANY_ORDER})


def _compiled(function: F, options: dict[str, Any]) -> F:
    dispatcher: Any = numba.njit(nogil=True, **options)(function)
    # Without `_cache` compiling is off (NUMBA_DISABLE_JIT).
    if hasattr(dispatcher, "_cache") and Path(function.__code__.co_filename).is_file():
        dispatcher._cache = KernelCache(function)
    return cast(F, dispatcher)
