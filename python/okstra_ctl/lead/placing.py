"""Where the report goes, when a person's plan stands in its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ..report import own_pages
from ..report.pages import Pages, render_pages
from ..system import files as fsio
from . import finish as persisting
from .context import Scene


def settle(scene: Scene) -> Scene:
    """Finds okstra's plan another place, if a person wrote, edited or approved what stands in the report's.

    The manifest names the new place before anything is written there: a kill in between leaves a number unused.
    """
    own_pages.note_earlier(scene.run, scene.doors)
    while own_pages.is_persons_plan(scene.run):
        path = own_pages.place_beside(scene.run)
        persisting.update_manifest(scene, report=path)
        scene = scene._replace(run=scene.run._replace(manifest={**scene.run.manifest, "report": path}))
        scene.say(told(scene))
    return scene


def told(scene: Scene) -> str:
    """For the person whose plan it is; empty when there is none."""
    if scene.run.report_path == scene.files.report:
        return ""
    return f"the plan {scene.files.report} is yours, and stays the plan; okstra's own is {scene.run.report_path}"


def write_pages(scene: Scene, report: Mapping[str, Any]) -> None:
    """Writes both pages; what a person made of one is kept beside it."""
    run, pages = scene.run, render_pages(scene.run, report)
    pages = Pages(own_pages.markdown_for(run, pages.markdown), pages.html)
    kinds = {own_pages.MARKDOWN: (run.report_path, pages.markdown), own_pages.HTML: (run.files.report_html, pages.html)}
    for kind, (path, page) in kinds.items():
        kept = own_pages.keep_aside(run, kind, path, page)
        if kept:
            scene.say(f"{path} was changed by hand: what stood there is kept as {kept}")
    own_pages.note(run, scene.doors, {kind: page for kind, (_, page) in kinds.items()})
    for path, page in kinds.values():
        fsio.make_folder(os.path.dirname(path))
        fsio.replace(path, page)
