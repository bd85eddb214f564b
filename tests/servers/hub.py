"""As much of Hugging Face's hub as its client asks for to fetch a model, on loopback."""

import hashlib
from pathlib import Path

from tests.servers.faults import DOWNLOAD, Faults
from tests.servers.loopback import Answer, Exchange, Host, json_answer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """One repository of the files of a folder. `large` ones are kept by SHA-256, the others as git keeps them."""

    def __init__(self, repository: str, folder: Path, large: str = "model.bin") -> None:
        self.repository, self.faults = repository, Faults()
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self.large = large
        self.host = Host("hub", self._answer)

    def asked(self) -> list[str]:
        """The files whose content was sent."""
        return [
            one.path.rpartition("/")[2] for one in self.host.requests if one.method == "GET" and "/resolve/" in one.path
        ]

    def _answer(self, exchange: Exchange) -> None:
        exchange.whole = answer = self._found(exchange.noted.path)
        if (span := exchange.noted.headers.get("range", "")) and answer.status == 200 and exchange.command == "GET":
            first = int(span.removeprefix("bytes=").partition("-")[0])
            place = {"Content-Range": f"bytes {first}-{len(answer.body) - 1}/{len(answer.body)}"}
            answer = Answer(206, answer.body[first:], answer.kind, answer.headers | place)
        if fault := self.faults.meet(exchange.noted, set(DOWNLOAD)):
            DOWNLOAD[fault](exchange, answer)
        else:
            exchange.reply(answer)

    def _found(self, path: str) -> Answer:
        api = f"/api/models/{self.repository}"
        if path == f"{api}/revision/main":
            names = [{"rfilename": name} for name in self.files]
            return json_answer({"id": self.repository, "modelId": self.repository, "sha": COMMIT, "siblings": names})
        if path == f"{api}/tree/{COMMIT}":
            return json_answer([self._entry(name) for name in self.files])
        name = path.removeprefix(f"/{self.repository}/resolve/{COMMIT}/")
        if name not in self.files:
            return json_answer({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
        entry = self._entry(name)
        etag = entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        return Answer(200, self.files[name], "application/octet-stream", headers)

    def _entry(self, name: str) -> dict:
        body = self.files[name]
        blob = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        entry = {"type": "file", "path": name, "size": len(body), "oid": blob}
        if name == self.large:
            entry["lfs"] = {"oid": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 134}
        return entry
