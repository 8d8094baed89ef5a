"""Makes the zips that daily.tf declares: the function's code, and the layer with Faker (from PyPI, by pip).

    python build.py
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def pack(target, folder):
    """All files of the folder, with one date, so that the same content makes the same zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix(), (2026, 1, 1, 0, 0, 0)), path.read_bytes(), zipfile.ZIP_DEFLATED)


def build(out=HERE / "build"):
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        code = Path(folder) / "code"
        code.mkdir()
        (code / "daily_export.py").write_text((HERE / "daily_export.py").read_text())
        pack(out / "export.zip", code)
        layer = Path(folder) / "layer"
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(layer / "python"), "faker==40.63.0"], check=True)
        pack(out / "faker_layer.zip", layer)
    return out


if __name__ == "__main__":
    print(build())
