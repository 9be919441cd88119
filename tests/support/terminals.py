"""A terminal that remembers what is shown on it."""

from __future__ import annotations

import io
import re

HEIGHT = 24


class Terminal(io.StringIO):
    """What a terminal shows of what was written to it: enough of one for frames and bars."""

    def isatty(self) -> bool:
        return True

    @property
    def screen(self) -> list[str]:
        lines, row, column = [""], 0, 0
        for code, text in re.findall(r"(\x1b\[[?0-9;]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", self.getvalue()):
            if text:
                lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
                column += len(text)
            elif code == "\n":
                row, column = row + 1, 0
                lines += [""] * (row == len(lines))
            elif code == "\r":
                column = 0
            elif code == "\x1b[2K":
                lines[row] = ""
            elif code[-1] == "A":
                row -= int(code[2:-1])
                assert row >= 0, "the cursor went above the first line"
        return [line.rstrip() for line in lines]

    @property
    def shown(self) -> str:
        return "\n".join(self.screen)
