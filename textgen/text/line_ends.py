"""Characters that end a line of a text, and those that only break it where it is shown."""

import re

INNER_BREAK = re.compile("[\v\f\x85\u2028\u2029]")  # breaks a line where it is shown, and does not end it
LINE_END = re.compile("\r\n|\r|\n")
