"""Between an address and the first points: asked early, asked once, no script too many."""

import urllib.request
from collections import Counter

from editor_hands import choose, saved

_ASKED = """
() => performance.getEntriesByType('resource')
  .map(e => [e.name.replace(location.origin, ''), e.startTime])
"""


def test_the_editor_asks_before_its_scripts_have_come_and_only_once(annotated, open_editor) -> None:
    page = open_editor(annotated)
    asked = page.evaluate(_ASKED)
    api = {name: start for name, start in asked if name.startswith("/api/v1")}
    scripts_done = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    first = f"/api/v1{annotated.api}/frames/0/points?most=250000"
    for name in (first, f"/api/v1{annotated.api}", f"/api/v1{annotated.api}/labels"):
        assert api[name] < scripts_done
    times = Counter(name for name, _ in asked)
    assert times[first] == times["/_dash-layout"] == times["/api/v1/session"] == 1


def test_pages_carry_no_components_that_they_do_not_use(annotated) -> None:
    html = urllib.request.urlopen(f"{annotated.url}/edit", timeout=20).read().decode()
    assert "dash_renderer" in html
    assert "/assets/editor.js" in html
    unused = ("/dash/dcc/", "/dash/html/", "/dash_table/", "/assets/head.js")
    assert [name for name in unused if name in html] == []


def test_an_edit_draws_no_points_again(annotated, open_editor) -> None:
    """Counted by the vertices that the page hands to WebGL."""
    page = open_editor(annotated)
    choose(page, annotated.ids[0])
    page.locator(".ll-plane-top").hover(position={"x": 8, "y": 30})
    page.wait_for_timeout(600)
    page.evaluate("""() => {
      window.drawn = [];
      const draw = WebGL2RenderingContext.prototype.drawArrays;
      WebGL2RenderingContext.prototype.drawArrays = function (mode, first, count) {
        if (mode === this.POINTS) drawn.push([this.getParameter(this.VIEWPORT)[2], count]);
        return draw.call(this, mode, first, count);
      };
    }""")
    page.keyboard.press("w")
    saved(page)
    page.wait_for_timeout(600)
    widths = [width for width, _ in page.evaluate("drawn")]
    main = page.locator(".ll-main").bounding_box()["width"]
    assert widths, "the close views follow the cuboid"
    assert max(widths) < main / 2, "the large view keeps its picture of the points"
    assert len(widths) <= 3, "each close view once, none of them again when the answer comes"
