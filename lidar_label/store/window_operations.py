"""Edits of activity windows."""

from typing import Any

from lidar_label.store.asked import Asked, merged
from lidar_label.store.draft import Draft, Setting
from lidar_label.store.edits import EditRequest
from lidar_label.store.rows import ACCEPTED, AUTO, PROPOSED, REJECTED, STATES, Window


def window_create(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """{start_ns, end_ns, category, tier?, sensor?, attributes?, state?}."""
    asked = Asked(request, setting)
    asked.only("start_ns", "end_ns", "category", "tier", "sensor", "attributes", "state")
    category, version = asked.category()
    start, end = _span(asked, None)
    given = request.payload.get("attributes")
    draft.put(
        Window(
            window_id=draft.new_id(),
            start_ns=start,
            end_ns=end,
            category=category,
            tier=asked.text("tier", "activity"),
            sensor=asked.text("sensor", ""),
            attributes=merged("", asked.attributes(category, given, "window")),
            state=asked.choice("state", STATES, PROPOSED if setting.source == AUTO else ACCEPTED),
            source=setting.source,
            ontology_version=version,
        )
    )


def window_move(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """One end or both: {start_ns?, end_ns?}; a boundary that was set is no longer uncertain."""
    asked = Asked(request, setting)
    asked.only("start_ns", "end_ns")
    window = draft.window(request.window_id)
    start, end = _span(asked, window)
    draft.put(
        window._replace(
            start_ns=start,
            end_ns=end,
            start_uncertainty_ns=window.start_uncertainty_ns if start == window.start_ns else 0,
            end_uncertainty_ns=window.end_uncertainty_ns if end == window.end_ns else 0,
            source=setting.source,
        )
    )


def window_split(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Two windows of one: {at_ns}."""
    asked = Asked(request, setting)
    asked.only("at_ns")
    window, at = draft.window(request.window_id), asked.integer("at_ns")
    if not window.start_ns < at < window.end_ns:
        raise asked.wrong(
            "payload.at_ns", f"is {at}; give a time between {window.start_ns} and {window.end_ns}"
        )
    draft.put(window._replace(end_ns=at, end_uncertainty_ns=0, source=setting.source))
    draft.put(
        window._replace(
            window_id=draft.new_id(), start_ns=at, start_uncertainty_ns=0, source=setting.source
        )
    )


def window_merge(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """This window reaches over the other one and what lies between, and the other goes."""
    asked = Asked(request, setting)
    asked.only()
    window, other = draft.window(request.window_id), draft.window(request.other_id)
    if window.window_id == other.window_id:
        raise asked.wrong("other_id", f"is {other.window_id}, the same window; give another")
    if (window.tier, window.sensor) != (other.tier, other.sensor):
        raise asked.wrong("other_id", "is of another tier or sensor; merge within one")
    first, last = sorted((window, other), key=_start)
    ends = last if last.end_ns >= first.end_ns else first
    draft.put(
        window._replace(
            start_ns=first.start_ns,
            start_uncertainty_ns=first.start_uncertainty_ns,
            end_ns=ends.end_ns,
            end_uncertainty_ns=ends.end_uncertainty_ns,
            source=setting.source,
        )
    )
    draft.drop(other)


def _start(window: Window) -> int:
    return window.start_ns


def window_tag(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """Class, tier, attributes or state: {category?, tier?, attributes?, state?}."""
    asked = Asked(request, setting)
    asked.only("category", "tier", "attributes", "state")
    window = draft.window(request.window_id)
    changed: dict[str, Any] = {"source": setting.source}
    if asked.has("category"):
        changed["category"], changed["ontology_version"] = asked.category()
        changed["score"] = None
    if asked.has("attributes"):
        category = changed.get("category", window.category)
        given = asked.attributes(category, request.payload["attributes"], "window")
        changed["attributes"] = merged(window.attributes, given)
    changed["tier"] = asked.text("tier", window.tier)
    default = ACCEPTED if setting.source != AUTO else window.state
    changed["state"] = asked.choice("state", STATES, default)
    draft.put(window._replace(**changed))


def window_accept(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """A person says that the proposed window is right."""
    Asked(request, setting).only()
    draft.put(draft.window(request.window_id)._replace(state=ACCEPTED))


def window_reject(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """A person says that this did not happen: {reason?}."""
    Asked(request, setting).only()
    draft.put(draft.window(request.window_id)._replace(state=REJECTED))


def window_delete(draft: Draft, request: EditRequest, setting: Setting) -> None:
    """The window goes."""
    Asked(request, setting).only()
    draft.drop(draft.window(request.window_id))


def _span(asked: Asked, window: Window | None) -> tuple[int, int]:
    if window is None or asked.has("start_ns"):
        start = asked.integer("start_ns")
    else:
        start = window.start_ns
    end = asked.integer("end_ns") if window is None or asked.has("end_ns") else window.end_ns
    if end < start:
        raise asked.wrong("payload.end_ns", f"is {end}, before start_ns {start}; swap them")
    return start, end
