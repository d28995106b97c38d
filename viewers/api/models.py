"""What the API takes and gives, as pydantic models; the OpenAPI document is made from these.

Times are decimal strings: int64 nanoseconds do not fit a JavaScript number.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Nanoseconds = Annotated[str, StringConstraints(pattern=r"^-?\d{1,19}$")]
Id = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Role = Literal["viewer", "annotator", "reviewer", "manager", "admin"]
Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e7, le=1e7)]
Json = dict[str, Any]


class Document(BaseModel):
    """What we give."""

    model_config = ConfigDict(from_attributes=True)


class Question(BaseModel):
    """What we take: unknown fields are an error, so that a typing mistake is not lost."""

    model_config = ConfigDict(extra="forbid")


class SessionDocument(Document):
    """Who calls."""

    user: str | None
    mode: Literal["single-user", "accounts"]
    csrf: str
    site_admin: bool
    roles: dict[str, str] = Field(description="project id → role")


class LoginQuestion(Question):
    """A name and its password."""

    name: Annotated[str, StringConstraints(max_length=200)]
    password: Annotated[str, StringConstraints(max_length=1000)]


class UserDocument(Document):
    """Someone."""

    name: str
    site_admin: bool
    active: bool
    created_ns: Nanoseconds


class UserQuestion(Question):
    """Someone new."""

    name: Text
    password: Annotated[str, StringConstraints(min_length=10, max_length=1000)] | None = None
    site_admin: bool = False


class UserChange(Question):
    """What to change of someone; what is left out stays."""

    password: Annotated[str, StringConstraints(min_length=10, max_length=1000)] | None = None
    active: bool | None = None
    site_admin: bool | None = None


class MemberDocument(Document):
    """Someone in a project."""

    name: str
    role: Role


class MemberQuestion(Question):
    """A role; null takes it away."""

    role: Role | None


class TokenDocument(Document):
    """An API token without its secret."""

    id: int
    name: str
    created_ns: Nanoseconds
    expires_ns: Nanoseconds | None
    revoked: bool


class TokenQuestion(Question):
    """A new API token of one's own."""

    name: Text
    days: Annotated[float, Field(gt=0, le=3650)] | None = 90


class NewToken(Document):
    """A secret, shown once."""

    secret: str


class AuditDocument(Document):
    """One line of the audit log."""

    id: int
    time_ns: Nanoseconds
    actor: str
    action: str
    project_id: int | None
    object: str
    address: str
    detail: Json


class ProjectQuestion(Question):
    """A new project; without an ontology it gets the road ontology."""

    name: Text
    ontology: Annotated[str, StringConstraints(max_length=1_000_000)] | None = Field(
        None, description="YAML text, or the name of a ready-made one: road, kitti, nuscenes, …"
    )


class ProjectDocument(Document):
    """A project."""

    id: int
    name: str
    ontology_version: int
    created_ns: Nanoseconds
    recordings: int
    work: dict[str, int] = Field(description="stage → items")
    role: str | None


class OntologyQuestion(Question):
    """A new version."""

    text: Annotated[str, StringConstraints(max_length=1_000_000)] = Field(description="YAML")
    note: Annotated[str, StringConstraints(max_length=2000)] = ""


class AttributeDocument(Document):
    """What is said of an object of a class, for its life or for a moment."""

    name: str
    type: Literal["choice", "flag", "number", "text"]
    values: list[Any]
    default: Any
    scope: Literal["track", "cuboid", "window"]
    minimum: float | None
    maximum: float | None
    unit: str
    guideline: str
    key: str


class ClassDocument(Document):
    """One class."""

    name: str
    kind: str = Field(description="`cuboid` or `window`, of which it is a class; empty: of both")
    ready_made: bool = Field(
        description="not of this ontology, which has no class of the kind; any name is taken there"
    )
    synonyms: list[str]
    size_mean: tuple[float, float, float] | None
    size_sd: tuple[float, float, float] | None
    colour: str
    key: str
    guideline: str
    attributes: dict[str, list[Any]] = Field(description="name → values to choose from")
    attribute_types: list[AttributeDocument]


class OntologyDocument(Document):
    """Classes, under a version of the project."""

    version: int
    name: str
    author: str
    note: str
    text: str
    classes: list[ClassDocument]


class RecordingQuestion(Question):
    """A recording to register, by a path on the server or a URL."""

    uri: Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]+$")]
    name: Text | None = Field(None, description="the file's name when left out")


class RecordingLine(Document):
    """A recording in a list."""

    id: int
    name: str
    content_hash: str
    frames: int
    created_ns: Nanoseconds
    tracks: int = Field(0, description="in lists only")
    judged: int = Field(0, description="of these, accepted or rejected")
    duration_s: float = 0.0
    cameras: list[str] = []
    signals: list[str] = []


class SensorDocument(Document):
    """A sensor of the rig."""

    name: str
    kind: Literal["lidar", "radar", "camera", "imu"]
    ego_from_sensor: list[float] = Field(description="4 × 4, row by row")
    model: str
    intrinsics: list[float] | None = None
    distortion: list[float] | None = None
    width: int | None = None
    height: int | None = None
    channels: list[str] | None = None
    units: list[str] | None = None


class RecordingDocument(RecordingLine):
    """All of a recording but its data."""

    time_ns: list[Nanoseconds]
    world_from_ego: list[list[float]] | None = Field(description="F × 16, row by row")
    origin: tuple[float, float, float]
    sensors: list[SensorDocument]
    images: list[dict[str, int]] = Field(description="of each frame: camera → index of its image")


class UploadQuestion(Question):
    """A recording to send in chunks."""

    name: Text
    size: Annotated[int, Field(ge=1, lt=2**50)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]


class UploadDocument(Document):
    """How far an upload is."""

    id: str
    name: str
    size: int
    sha256: str
    offset: int


class WebhookQuestion(Question):
    """Where to send events; all kinds when none is named."""

    url: Annotated[
        str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[^\x00-\x20]+$")
    ]
    events: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^[a-z.]{1,40}$")]], Field(max_length=50)
    ] = Field(default_factory=list)


class WebhookDocument(Document):
    """A webhook."""

    id: int
    url: str
    events: list[str]
    active: bool
    created_ns: Nanoseconds


class NewWebhook(WebhookDocument):
    """A webhook with its secret, shown once."""

    secret: str


class DeliveryDocument(Document):
    """One event for a webhook."""

    id: int
    event: str
    state: str
    attempts: int
    due_ns: Nanoseconds
    answer: str
    created_ns: Nanoseconds


class Count(Document):
    """How many."""

    count: int
