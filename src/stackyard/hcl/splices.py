"""Replacements on one text that do not touch each other."""

from bisect import bisect_left, insort


class Splices:
    """Collected replacements. All places are characters of the old text."""

    def __init__(self, text: str) -> None:
        self.old = text
        self._splices: list[tuple[int, int, int, str]] = []
        self._claims: list[tuple[int, int]] = []

    def __bool__(self) -> bool:
        return bool(self._splices)

    def is_free(self, start: int, end: int) -> bool:
        """Whether no earlier edit has reserved some of this stretch."""
        at = bisect_left(self._claims, (start, end))
        before = self._claims[at - 1] if at else (-1, -1)
        after = self._claims[at] if at < len(self._claims) else (end + 1, end + 1)
        return before[1] <= start and end <= after[0] and (start, end) != after

    def claim(self, start: int, end: int) -> bool:
        """Reserve a stretch of the text for one edit. False if an earlier edit has some of it."""
        free = self.is_free(start, end)
        if free:
            insort(self._claims, (start, end))
        return free

    def replace(self, start: int, end: int, text: str) -> None:
        """Put `text` where `start` up to `end` was. At one place, first come is first in the text."""
        insort(self._splices, (start, end, len(self._splices), text))

    def text(self) -> str:
        """The new text."""
        pieces, at = [], 0
        for start, end, _, text in self._splices:
            pieces += [self.old[at:start], text]
            at = end
        return "".join([*pieces, self.old[at:]])

    def moved(self, offsets: list[int]) -> list[int]:
        """Where places of the old text (in ascending order) lie in the new one, after what was put there."""
        places, shift, at = [], 0, 0
        for offset in offsets:
            while at < len(self._splices) and self._splices[at][0] <= offset:
                start, end, _, text = self._splices[at]
                shift += len(text) - (end - start)
                at += 1
            inside = max(0, self._splices[at - 1][1] - offset) if at else 0
            places.append(offset + inside + shift)
        return places
