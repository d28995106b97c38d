"""Numbers in paths: what fits the store's 64 bits."""

from typing import Annotated

from fastapi import Path

Number = Annotated[int, Path(ge=-(2**63), lt=2**63)]
FrameNumber = Annotated[int, Path(ge=0, lt=2**31)]
