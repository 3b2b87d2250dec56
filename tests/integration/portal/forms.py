"""What a browser would send of a page's form of settings: every input as it stands there."""

from html.parser import HTMLParser

from django.http import QueryDict


class _Reader(HTMLParser):
    """Successful controls, as HTML calls them. Line breaks are sent as CRLF; one-line inputs cannot hold any."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = QueryDict(mutable=True)
        self._inside = False
        self._templates = 0
        self._area: tuple[str, list[str]] | None = None
        self._select = ""
        self._chosen: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = "data-settings" in given
        self._templates += tag == "template"
        if not self._inside or self._templates or "disabled" in given:
            return
        name = given.get("name", "")
        if tag == "input" and name and given.get("type") not in ("checkbox", "radio"):
            self.sent.appendlist(name, given.get("value", "").replace("\n", "").replace("\r", ""))
        elif tag == "input" and name and "checked" in given:
            self.sent.appendlist(name, given.get("value", "on"))
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._select, self._chosen = name, None
        elif tag == "option" and self._select and ("selected" in given or self._chosen is None):
            self._chosen = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        self._templates -= tag == "template"
        if tag == "textarea" and self._area:
            text = "".join(self._area[1]).removeprefix("\n")
            self.sent.appendlist(self._area[0], text.replace("\n", "\r\n"))
            self._area = None
        elif tag == "select" and self._select:
            self.sent.appendlist(self._select, self._chosen or "")
            self._select = ""
        elif tag == "form":
            self._inside = False


def as_sent(page: str, **more: str) -> QueryDict:
    """The form's data, with the button that was pressed."""
    reader = _Reader()
    reader.feed(page)
    for name, value in more.items():
        reader.sent[name] = value
    return reader.sent
