"""The Dash components of `viewers/editor/`, as Python names them."""

from typing import Any

from dash.development.base_component import Component


class _Ours(Component):
    """A component of our bundle, which takes the properties of `_prop_names`."""

    _namespace = "lidar_label"
    _children_props = []  # noqa: RUF012  (Dash reads these of the class)
    _base_nodes = []  # noqa: RUF012
    _valid_wildcard_attributes = []  # noqa: RUF012
    available_wildcard_properties = []  # noqa: RUF012

    def __init__(self, **properties: Any) -> None:
        self.available_properties = self._prop_names
        super().__init__(**properties)


class Pages(_Ours):
    """All pages by the path in the address: projects, a project, a recording, its editor.

    Attributes:
        id: For callbacks.
        api: Path of the REST API.
    """

    _type = "Pages"
    _prop_names = ["id", "api"]  # noqa: RUF012

    def __init__(self, *, api: str, id: str = "pages") -> None:  # noqa: A002  (Dash's name)
        super().__init__(id=id, api=api)


class CuboidEditor(_Ours):
    """The cuboid editor of one recording, for a Dash page of one's own.

    Attributes:
        id: For callbacks.
        api: Path of the REST API.
        project: Number of the project.
        recording: Number of the recording in it.
        home: Where its link to all projects leads.
    """

    _type = "CuboidEditor"
    _prop_names = ["id", "api", "project", "recording", "home"]  # noqa: RUF012

    def __init__(
        self, *, api: str, project: str, recording: str, home: str = "/", **known: Any
    ) -> None:
        super().__init__(api=api, project=project, recording=recording, home=home, **known)
