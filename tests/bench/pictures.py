# SPDX-License-Identifier: Apache-2.0
"""PNG files of SVG files, by whichever program is there."""
import os
import re
import subprocess
import tempfile

import rig

SCALE = 2


def by_rsvg(program, svg, png):
    return [program, "--zoom", str(SCALE), "-o", png, svg], None


def by_chromium(program, svg, png):
    with open(svg, encoding="utf-8") as file:
        width, height = re.search(r'width="(\d+)" height="(\d+)"', file.read()).groups()
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []  # which it doesn't have as root; it opens our own file only
    home = tempfile.TemporaryDirectory(prefix="hsm-bench-chromium.")
    return [program, "--headless", *sandbox, "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={home.name}",
            f"--force-device-scale-factor={SCALE}", f"--window-size={width},{height}", f"--screenshot={png}",
            "file://" + svg], home


PAINTERS = (("rsvg-convert", by_rsvg), ("chromium", by_chromium))


def paint(directory, names):
    """(why there are none, {NAME: bytes of the PNG})."""
    for program, command_of in PAINTERS:
        path = rig.find(program)
        if not path:
            continue
        pngs = {}
        for name in names:
            png = os.path.join(directory, f"{name}.png")
            command, home = command_of(path, os.path.join(directory, f"{name}.svg"), png)
            try:
                subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, check=True)
                with open(png, "rb") as file:
                    pngs[name] = file.read()
            except (OSError, subprocess.SubprocessError):
                return f"{program} failed", pngs
            finally:
                if home:
                    home.cleanup()
        return "", pngs
    return "there is neither rsvg-convert (Debian: librsvg2-bin) nor chromium", {}
