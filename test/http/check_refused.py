# SPDX-License-Identifier: MIT
"""Every reason for which HTTP refuses something has its row in docs/http_refused.md, and every row is such a reason."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
message = root / "protocols/http/message"
REASON = re.compile(r'"((?:[^"\\\n]|\\.)* (?:[^"\\\n]|\\.)*)"')  # a phrase: there is a space in it
ROW = re.compile(r"^\| ([^|]+) \| (?:(\d+) \| )?[^|]*\|$", re.MULTILINE)

reasons = set()
for name in ("head.c", "head_line.c", "framing.c", "chunked.c"):
    reasons |= {text for text in REASON.findall((message / name).read_text(encoding="utf-8")) if len(text) > 4}
page = (root / "docs/http_refused.md").read_text(encoding="utf-8").split("## Beside llhttp")[0]
rows = {row[0] for row in ROW.findall(page)} - {"reason"}

for text in sorted(reasons - rows):
    print(f"docs/http_refused.md has no row for: {text}")
for text in sorted(rows - reasons):
    print(f"docs/http_refused.md has a row for what is never refused: {text}")
sys.exit(1 if reasons ^ rows or not reasons else 0)
