"""Members of a zip archive, whatever it claims: their number and unpacked size are bounded."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from types import TracebackType

from evals.errors import MissingExtraError, RecordError
from evals.imports.reading import MAX_CASES, MAX_FILE_BYTES

MAX_UNPACKED_BYTES = 1 << 30
MAX_MEMBER_BYTES = 64 << 20
MAX_MEMBERS = 2 * MAX_CASES + 1_000
ZSTANDARD = 93
"""The compression method that Inspect writes and `zipfile` does not know before Python 3.14."""

_LOCAL_HEADER = 30
_ENCRYPTED = 1


class Archive:
    """A zip archive opened to be read. A context manager.

    Raises RecordError for a file that is no archive, is damaged or encrypted, or unpacks to
    more than is allowed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.stat().st_size > MAX_FILE_BYTES:
            said = f"file has {path.stat().st_size} bytes, the limit is {MAX_FILE_BYTES}"
            raise RecordError(said, path=path)
        try:
            self._zip = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as cause:
            raise RecordError(f"not a zip archive: {cause}", path=path) from None
        self._room = MAX_UNPACKED_BYTES
        # A name that stands twice was written again: the last one counts.
        self._members = {info.filename: info for info in self._zip.infolist()}
        if len(self._zip.infolist()) > MAX_MEMBERS:
            raise self._error(f"more than {MAX_MEMBERS} members")

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()

    @property
    def names(self) -> tuple[str, ...]:
        """What is in it, in the order written."""
        return tuple(self._members)

    def text(self, name: str) -> str:
        """One member as text."""
        info = self._members[name]
        if info.flag_bits & _ENCRYPTED:
            raise self._error(f"{name!r:.80} is encrypted")
        limit = min(MAX_MEMBER_BYTES, self._room)
        if info.file_size > limit:
            raise self._error(f"{name!r:.80} unpacks to more than {limit} bytes")
        try:
            data = self._unpacked(info, limit)
        except (zipfile.BadZipFile, zlib.error, EOFError) as cause:
            raise self._error(f"{name!r:.80} is damaged: {cause}") from None
        except NotImplementedError:
            raise self._error(f"{name!r:.80} is packed in a way that is not read here") from None
        self._room -= len(data)
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise self._error(f"{name!r:.80} is not valid UTF-8") from None

    def _unpacked(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        if info.compress_type != ZSTANDARD:
            with self._zip.open(info) as member:
                data = member.read(limit + 1)
            if len(data) > limit:
                raise self._error(f"{info.filename!r:.80} unpacks to more than {limit} bytes")
            return data
        data = _unpack_zstandard(self._packed(info), limit)
        if len(data) > limit:
            raise self._error(f"{info.filename!r:.80} unpacks to more than {limit} bytes")
        if zlib.crc32(data) != info.CRC:
            raise zipfile.BadZipFile("its checksum is wrong")
        return data

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        """A member's bytes as they stand in the file, behind its local header."""
        with self._path.open("rb") as handle:
            handle.seek(info.header_offset)
            header = handle.read(_LOCAL_HEADER)
            skipped = sum(int.from_bytes(header[at : at + 2], "little") for at in (26, 28))
            handle.seek(info.header_offset + _LOCAL_HEADER + skipped)
            return handle.read(info.compress_size)

    def _error(self, message: str) -> RecordError:
        return RecordError(message, path=self._path)


def _unpack_zstandard(packed: bytes, limit: int) -> bytes:
    """At most `limit` bytes and one more. Raises MissingExtraError, or BadZipFile for damage."""
    try:
        import zstandard
    except ImportError as error:
        raise MissingExtraError(
            "this log is packed with Zstandard: pip install 'tunegate[inspect]'",
            hint="or write it as JSON: inspect log convert --to json",
        ) from error
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
            return reader.read(limit + 1)
    except zstandard.ZstdError as error:
        raise zipfile.BadZipFile(str(error)) from error
