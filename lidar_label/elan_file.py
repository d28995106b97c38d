"""Windows as an ELAN document (EAF 3.0, mpi.nl/tools/elan/EAFv3.0.xsd)."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np

from lidar_label.datasets.signals import NS_PER_S
from lidar_label.datasets.windows import Windows

_NS_PER_MS = 1_000_000
_XSI = "http://www.w3.org/2001/XMLSchema-instance"


def eaf_document(windows: Windows, origin_ns: int) -> str:
    """One tier of ELAN for each tier of windows; another where they overlap, as ELAN's may not.

    Args:
        windows: The windows.
        origin_ns: The signal's first time stamp; ELAN counts milliseconds from there.
    """
    root = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "lidar-label",
            "DATE": datetime.fromtimestamp(origin_ns // NS_PER_S, UTC).isoformat(),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": _XSI,
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    ElementTree.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    clock = ElementTree.SubElement(root, "TIME_ORDER")
    number = 0
    for tier, rows in _tiers(windows):
        attributes = {"LINGUISTIC_TYPE_REF": "window", "TIER_ID": tier}
        element = ElementTree.SubElement(root, "TIER", attributes)
        for row in rows:
            number += 1
            first = _slot(clock, f"ts{2 * number - 1}", int(windows.start_ns[row]) - origin_ns)
            after = _slot(clock, f"ts{2 * number}", int(windows.end_ns[row]) - origin_ns)
            _annotation(element, f"a{number}", first, after, str(windows.category[row]))
    kind = {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "window", "TIME_ALIGNABLE": "true"}
    ElementTree.SubElement(root, "LINGUISTIC_TYPE", kind)
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _slot(clock: ElementTree.Element, name: str, ahead_ns: int) -> str:
    value = str(max(round(ahead_ns / _NS_PER_MS), 0))
    ElementTree.SubElement(clock, "TIME_SLOT", {"TIME_SLOT_ID": name, "TIME_VALUE": value})
    return name


def _annotation(
    tier: ElementTree.Element, name: str, first: str, after: str, category: str
) -> None:
    attributes = {"ANNOTATION_ID": name, "TIME_SLOT_REF1": first, "TIME_SLOT_REF2": after}
    outer = ElementTree.SubElement(tier, "ANNOTATION")
    inner = ElementTree.SubElement(outer, "ALIGNABLE_ANNOTATION", attributes)
    ElementTree.SubElement(inner, "ANNOTATION_VALUE").text = category


def _tiers(windows: Windows) -> list[tuple[str, list[int]]]:
    """Rows of each tier of ELAN, rising and without overlap."""
    tiers: dict[str, list[int]] = {}
    for row in np.argsort(windows.start_ns, kind="stable").tolist():
        name = str(windows.tier[row]) or "windows"
        copy = 1
        while True:
            title = name if copy == 1 else f"{name} {copy}"
            taken = tiers.setdefault(title, [])
            if not taken or int(windows.end_ns[taken[-1]]) <= int(windows.start_ns[row]):
                taken.append(row)
                break
            copy += 1
    return list(tiers.items())
