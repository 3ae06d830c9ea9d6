"""HTML that needs nothing but itself: no scripts, pictures within, all text escaped, light and dark. It is XML as well.

Names and captions come from data sets of others. Should markup of theirs ever get through, the page's policy keeps it
from running or loading anything.
"""

import base64
import html
import io
import re
from pathlib import Path

from PIL import Image

from training.config import require
from training.run import require_folder
from vlm.inspect.boxes import LabelledBox
from vlm.inspect.tokens import PIECES

TINTS = {
    "image": ("#dcdce4", "#3c3c46"),
    "instruction": ("#d3e5f7", "#1d3b58"),
    "query": ("#fbe6c0", "#57411a"),
    "answer": ("#cdeccf", "#1e4a27"),
}
"""Of the pieces of a sample, on light and on dark ground."""

_TINT = "".join(f".{piece}{{background-color:light-dark({light},{dark})}}" for piece, (light, dark) in TINTS.items())
_STYLE = (
    """
:root{color-scheme:light dark;background:light-dark(#fff,#16161a);color:light-dark(#1a1a1e,#e8e8ec)}
body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:1.5rem auto;padding:0 1rem}
h1,h2{font-size:1.15rem;overflow-wrap:anywhere} .quiet{opacity:.75} img{max-width:100%}
.sample{display:flex;flex-wrap:wrap;gap:1.5rem;margin:1rem 0} .sample>*{flex:1 1 20rem;min-width:0}
.sample>figure{flex:0 1 auto;max-width:20rem;margin:0} ol,ul{padding:0;list-style:none}
.number{color:#fff;border-radius:3px;padding:0 .35em}
.tokens{line-height:1.9;font-family:ui-monospace,monospace;font-size:13px}
.token,.turn{white-space:break-spaces;overflow-wrap:anywhere;unicode-bidi:isolate;border-radius:3px}
.token{display:inline-block;max-width:100%;line-height:1.45;margin-right:2px;min-width:.4em}
.target{font-weight:700;border-bottom:3px solid light-dark(#14701f,#7ddb88)}
.turn{margin:0;padding:.1rem .4rem} .turn.answer{font-weight:700}
.row{position:relative;height:2.6rem;margin:.5rem 0;background:light-dark(#b9b9bf,#55555c)}
.row>*,.row i{position:absolute;top:0;bottom:0;overflow:hidden;white-space:nowrap}
.row b{position:relative;padding:0 .25rem;font-size:12px;background:inherit}
.row .loss{top:auto;height:.5rem;background:currentColor}
.document,.swatch{background:light-dark(hsl(var(--hue) 60% 82%),hsl(var(--hue) 45% 26%))}
.hatch{background-image:repeating-linear-gradient(45deg,transparent 0 4px,rgb(128 128 128/.5) 4px 6px)}
.swatch{padding:0 .4em;border-radius:3px} .refused{color:light-dark(#a40000,#ff9c9c)}
"""
    + _TINT
)
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def require_file(out: Path, *endings: str) -> None:
    """Raises ConfigError unless `out` is a file that can be written, with one of these endings."""
    require(out.suffix in endings, f"{out} must end in {' or '.join(endings)}: that says what is drawn.")
    require(not out.is_dir(), f"{out} is a folder: name a file in it.")
    require_folder(out.parent, "the drawing")


def write_page(out: Path, title: str, body: str) -> None:
    """Writes a page; its folder is made where it is missing.

    Args:
        body: markup, in which all text is `escaped`.
    """
    head = f'<meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{_POLICY}"/>'
    head += '<meta name="viewport" content="width=device-width"/>'
    head += f"<title>{escaped(title)}</title><style>{_STYLE}</style>"
    out.parent.mkdir(parents=True, exist_ok=True)
    page = f'<html lang="en"><head>{head}</head>\n<body><h1>{escaped(title)}</h1>\n{body}</body></html>'
    out.write_text(f"<!DOCTYPE html>\n{page}\n", encoding="utf-8")


def escaped(text: str) -> str:
    """Text for a page or an attribute. What neither HTML nor XML may hold becomes a replacement sign."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", text))


def figure_of(image: Image.Image, boxes: list[LabelledBox]) -> str:
    """A picture that has its boxes drawn on it, and their labels."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    data = base64.b64encode(file.getvalue()).decode()
    labels = "".join(
        f'<li><span class="number" style="background:{one.colour}">{one.number}</span> {escaped(one.text)}</li>'
        for one in boxes
    )
    return (
        f'<figure><img alt="the picture" src="data:image/jpeg;base64,{data}"/>'
        + (f"<ol>{labels}</ol>" if labels else "")
        + "</figure>"
    )


def legend() -> str:
    """The tints of the pieces."""
    names = " ".join(f'<span class="token {piece}">{piece}</span>' for piece in PIECES)
    return f'<p>{names} <span class="token answer target">carries loss</span></p>'
