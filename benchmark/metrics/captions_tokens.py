"""From a caption to the words that are compared.

The published captioning scores were computed on the output of the Stanford PTB tokenizer, in lower case and without
punctuation. These are its rules for English sentences of the kind that captions are; it needs Java, this does not.
"""

from __future__ import annotations

import re
import unicodedata

_TOKEN = re.compile(
    r"""
    \d+(?:[.,:]\d+)*(?=[^\w]|$)             # 3  2.5  1,000  10:30
    | [^\W_]+(?:['’](?=[^\W_])[^\W_]+)*     # words, with what follows an apostrophe
      (?:-[^\W_]+(?:['’][^\W_]+)*)*         # and with what follows a hyphen: close-up
    """,
    re.VERBOSE,
)
_CLITIC = re.compile(r"(?<=.)(n['’]t|['’](?:s|m|d|re|ve|ll))$")


def tokens(caption: str) -> tuple[str, ...]:
    """Return the words of a caption: NFC, lower case, without punctuation.

    Hyphenated words stay whole, so do numbers with a decimal point; clitics are words of their own: ``it's`` →
    ``it 's``, ``don't`` → ``do n't``.
    """
    words: list[str] = []
    for found in _TOKEN.findall(unicodedata.normalize("NFC", caption).lower()):
        clitic = _CLITIC.search(found)
        if clitic is None:
            words.append(found)
        else:
            words += [found[: clitic.start()], clitic.group().replace("’", "'")]
    return tuple(words)
