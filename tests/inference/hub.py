"""A local server that answers like the Hugging Face hub, and keeps what is pushed to it."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class StandIn(ThreadingHTTPServer):
    """The server.

    Attributes:
        repositories: Content of the files, by repository and name.
        private: Whether the repositories that clients created are private.
        asked: Paths of all requests.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def close(self) -> None:
        self.shutdown()
        self.server_close()


@contextmanager
def serving() -> Iterator[StandIn]:
    server = StandIn()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.close()


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def log_message(self, *values: object) -> None:
        pass

    def reply(self, content: object, **headers: object) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        self.send_response(200)
        for name, value in {"Content-Type": kind, "Content-Length": len(data), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        for repository, files in self.server.repositories.items():
            name = path.removeprefix(f"/{repository}/resolve/{COMMIT}/")
            if path == f"/api/models/{repository}/revision/main":
                siblings = [{"rfilename": file} for file in files]
                return self.reply({"id": repository, "sha": COMMIT, "siblings": siblings})
            if path == f"/api/models/{repository}/tree/{COMMIT}":
                entry = {"type": "file", "oid": "0" * 40}
                return self.reply([entry | {"path": file, "size": len(files[file])} for file in files])
            if name in files:
                tag = hashlib.sha256(files[name]).hexdigest()
                return self.reply(files[name], ETag=f'"{tag}"', X_Repo_Commit=COMMIT)
        return self.send_error(404)

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != "Bearer secret":
            return self.send_error(401)
        if path == "/api/validate-yaml":
            return self.reply({"errors": [], "warnings": []})
        if path == "/api/repos/create":
            asked = json.loads(body)
            repository = f"{asked['organization']}/{asked['name']}"
            self.server.private[repository] = asked.get("visibility") == "private" or bool(asked.get("private"))
            self.server.repositories.setdefault(repository, {})
            return self.reply({"url": f"{self.server.address}/{repository}"})
        repository, action = path.removeprefix("/api/models/").rsplit("/", 2)[:2]
        if repository not in self.server.repositories:
            return self.send_error(404)
        if action == "preupload":
            files = [file["path"] for file in json.loads(body)["files"]]
            return self.reply(
                {"files": [{"path": file, "uploadMode": "regular", "shouldIgnore": False} for file in files]}
            )
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                content = base64.b64decode(line["value"]["content"])
                self.server.repositories[repository][line["value"]["path"]] = content
        return self.reply({"commitOid": COMMIT, "commitUrl": f"{self.server.address}/{repository}/commit/{COMMIT}"})
