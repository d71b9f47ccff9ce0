"""Read the form of a browser while it comes in: a token first, then a file, which goes to the disk and is never held.

Nothing of the file is read before the token in front of it is known to be good.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from sim_envs.errors import UserError

LONGEST_FIELD = 200


class BadForm(UserError):
    """What came is not what the form on the page sends."""


class FormReader:
    """Takes a ``multipart/form-data`` body apart.

    Args:
        content_type: the header of the request.
        file: takes the content of the part ``file``.
        most: bytes of it that are taken.
        admit: is given the token before anything of the file is kept; raises when it is no good.

    Attributes:
        fields: the other parts by name.
        size: bytes of the file.
    """

    def __init__(self, content_type: str, file: BinaryIO, most: int, admit: Callable[[str], object]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise BadForm("Send the form of the page, which is multipart/form-data.")
        self.fields: dict[str, str] = {}
        self.size = 0
        self._file, self._most, self._admit = file, most, admit
        self._name = ""
        self._header, self._value = bytearray(), bytearray()
        self._file_came = self._complete = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._part_begins,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_ends,
                "on_headers_finished": self._content_begins,
                "on_part_data": self._content,
                "on_part_end": self._part_ends,
                "on_end": self._ends,
            },
        )

    async def read(self, body: AsyncIterator[bytes]) -> None:
        """Read the whole body.

        Raises:
            BadForm: it is no such form, or larger than is taken.
        """
        try:
            async for block in body:
                self._parser.write(block)
            self._parser.finalize()
        except FormParserError:
            raise BadForm("The form is damaged. Send it again.") from None
        if not self._complete:
            raise BadForm("The form broke off. Send it again.")
        if not self.size:
            raise BadForm("There is no file in the form. Choose the file that tst-bench submit wrote.")

    def _part_begins(self) -> None:
        self._name = ""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._name = parse_options_header(bytes(self._value))[1].get(b"name", b"").decode("utf-8", "replace")
        self._header.clear()
        self._value.clear()

    def _content_begins(self) -> None:
        if self._name == "file":
            if self._file_came:
                raise BadForm("The form has two files; one is taken.")
            self._file_came = True
            self._admit(self.fields.get("token", ""))

    def _content(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self.size += end - start
            if self.size > self._most:
                raise BadForm(f"The file has more than the {self._most:,} bytes that are taken.")
            self._file.write(data[start:end])
        else:
            self._value += data[start:end]
            if len(self._value) > LONGEST_FIELD:
                raise BadForm(f"A field of the form has more than {LONGEST_FIELD} bytes.")

    def _part_ends(self) -> None:
        if self._name and self._name != "file":
            self.fields[self._name] = self._value.decode("utf-8", "replace").strip()
        self._value.clear()

    def _ends(self) -> None:
        self._complete = True
