"""What a server's refusals are raised as by `lidar_label.client`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lidar_label.errors import LidarLabelError, NotFound

if TYPE_CHECKING:
    import httpx


class ServerError(LidarLabelError):
    """The server refused, or does not answer.

    Attributes:
        status: Of HTTP; 0 where there was no answer.
        problem: What the server said of it.
    """

    def __init__(
        self, text: str, status: int = 0, problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.problem: Mapping[str, Any] = problem or {}


class EditConflict(ServerError):
    """Someone changed the same thing meanwhile; `states` holds what it is now."""

    @property
    def states(self) -> list[dict[str, Any]]:
        """The newer states."""
        return list(self.problem.get("states", []))


def checked(answer: "httpx.Response") -> "httpx.Response":
    """An answer that is no refusal.

    Raises:
        NotFound: for 404; EditConflict for a conflict with newer states; else ServerError.
    """
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    title, detail = problem.get("title", answer.reason_phrase), problem.get("detail", "")
    text = f"{answer.request.url}: {title}; {detail}"
    if answer.status_code == 404:
        raise NotFound(text)
    if answer.status_code == 409 and "states" in problem:
        raise EditConflict(text, 409, problem)
    raise ServerError(text, answer.status_code, problem)
