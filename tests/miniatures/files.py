"""What the miniatures of data sets are written with: annotation files and small pictures under their true names."""

import json
from pathlib import Path

from PIL import Image


def write_json(path: Path, value) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def write_lines(path: Path, values) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8")
    return path


def write_picture(path: Path, width: int = 64, height: int = 48, kind: str = "JPEG") -> Path:
    """A picture that is not blank: its tones go from dark to light."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(path, kind)
    return path
