"""A Grafana in memory: keeps what is written, answers 404, 409 and 412 as the real one, and refuses what is provisioned."""

from __future__ import annotations

import copy
import threading
import time
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

MISSING = JSONResponse({"message": "Not found"}, 404)


class FakeGrafana:
    """`calls` are (method, path) of everything that was asked."""

    def __init__(self, version="12.1.0", plugin="4.20.0", token="glsa_x"):
        self.version, self.plugin, self.token = version, plugin, token
        self.datasources, self.folders, self.dashboards, self.provisioned = {}, {}, {}, set()
        self.secrets, self.calls, self.headers, self.ids = {}, [], [], 0

    @property
    def writes(self):
        return [call for call in self.calls if call[0] != "GET"]

    def application(self):
        routes = [
            Route("/api/frontend/settings", self.settings),
            Route("/api/plugins/{name}/settings", self.plugin_settings),
            Route("/api/datasources/uid/{uid}", self.datasource, methods=["GET", "PUT"]),
            Route("/api/datasources", self.new_datasource, methods=["POST"]),
            Route("/api/folders/{uid}", self.folder),
            Route("/api/folders", self.new_folder, methods=["POST"]),
            Route("/api/dashboards/uid/{uid}", self.dashboard, methods=["GET", "DELETE"]),
            Route("/api/dashboards/db", self.write_dashboard, methods=["POST"]),
            Route("/api/search", self.search),
        ]
        return Starlette(routes=[Route(r.path, self.guarded(r.endpoint), methods=list(r.methods)) for r in routes])

    def guarded(self, endpoint):
        async def handle(request):
            self.calls.append((request.method, request.url.path))
            self.headers.append(dict(request.headers))
            if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
                return JSONResponse({"message": "Invalid API key"}, 401)
            return await endpoint(request)

        return handle

    async def settings(self, _):
        return JSONResponse({"buildInfo": {"version": self.version}})

    async def plugin_settings(self, request):
        if self.plugin is None or request.path_params["name"] != "grafana-clickhouse-datasource":
            return MISSING
        return JSONResponse({"id": request.path_params["name"], "info": {"version": self.plugin}})

    async def datasource(self, request):
        uid = request.path_params["uid"]
        if uid not in self.datasources:
            return MISSING
        if request.method == "PUT":
            self.keep_datasource(uid, await request.json())
        return JSONResponse(self.datasources[uid])

    async def new_datasource(self, request):
        body = await request.json()
        if body["uid"] in self.datasources:
            return JSONResponse({"message": "data source with the same uid already exists"}, 409)
        self.keep_datasource(body["uid"], body)
        return JSONResponse({"message": "Datasource added"})

    def keep_datasource(self, uid, body):
        self.ids += 1
        before = self.datasources.get(uid, {"id": self.ids, "version": 0})
        secret = body.pop("secureJsonData", None)
        if secret is None and "version" in before and before["version"]:
            self.secrets.pop(uid, None)  # a PUT without its secrets loses them
        self.secrets |= {uid: secret} if secret else {}
        self.datasources[uid] = {**body, "id": before["id"], "version": before["version"] + 1, "readOnly": False,
                                 "secureJsonFields": {"password": True}, "orgId": 1}  # fmt: skip

    async def folder(self, request):
        found = self.folders.get(request.path_params["uid"])
        return JSONResponse(found) if found else MISSING

    async def new_folder(self, request):
        body = await request.json()
        if body["uid"] in self.folders:
            return JSONResponse({"message": "the folder has been changed by someone else"}, 412)
        self.folders[body["uid"]] = body
        return JSONResponse(body)

    async def dashboard(self, request):
        uid = request.path_params["uid"]
        if uid not in self.dashboards:
            return MISSING
        if request.method == "DELETE":
            del self.dashboards[uid]
            return JSONResponse({"message": "deleted"})
        meta = {"folderUid": self.dashboards[uid]["folder"], "provisioned": uid in self.provisioned}
        return JSONResponse({"dashboard": self.dashboards[uid]["model"], "meta": meta})

    async def write_dashboard(self, request):
        body = await request.json()
        model = copy.deepcopy(body["dashboard"])
        uid = model["uid"]
        if uid in self.provisioned:
            return JSONResponse({"message": "Cannot save provisioned dashboard"}, 400)
        if uid in self.dashboards and not body.get("overwrite"):
            return JSONResponse({"message": "version-mismatch"}, 412)
        if body["folderUid"] not in self.folders:
            return JSONResponse({"message": "folder not found"}, 400)
        self.ids += 1
        before = self.dashboards.get(uid, {"model": {"id": self.ids, "version": 0}})["model"]
        model |= {"id": before["id"], "version": before["version"] + 1}
        self.dashboards[uid] = {"model": model, "folder": body["folderUid"]}
        return JSONResponse({"status": "success", "uid": uid})

    async def search(self, request):
        tag = request.query_params.get("tag")
        rows = [{"uid": uid, "tags": one["model"].get("tags", [])} for uid, one in self.dashboards.items()]
        return JSONResponse([row for row in rows if not tag or tag in row["tags"]])


@contextmanager
def serving(fake):
    """Serve a fake on a free port; yields its address."""
    server = uvicorn.Server(uvicorn.Config(fake.application(), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
