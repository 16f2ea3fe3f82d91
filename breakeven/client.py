"""Ask a running breakeven from Python: costs, verdicts, SQL. Money is text in USD, unknown is None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import httpx2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An answer that is none: `code` names the kind, `status` is HTTP's, the text says what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Client:
    """One breakeven; close it, or use it with `with`.

    >>> with Client() as breakeven:
    ...     for row in breakeven.cost(by=["team"], since="90d", prices="current")["rows"]:
    ...         print(row["team"], row["cost_per_request"])
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8400",
        *,
        token: str = "",
        timeout_s: float = 60.0,
        transport: Any | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else None
        self._http = httpx2.Client(base_url=url, timeout=timeout_s, transport=transport, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def cost(self, **asked: str | int | Sequence[str]) -> dict[str, Any]:
        """Return /api/v1/cost, asked by `by`, `since`, `until`, `bucket`, `prices`, `against`, any dimension.

        Returns {"rows", "total", "count", "next", …}; raises Refused.
        """
        return self._get("cost", asked)

    def cost_rows(self, **asked: str | int | Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield all rows of a cost question, page by page."""
        offset: int | None = 0
        while offset is not None:
            page = self._get("cost", {**asked, "offset": offset})
            yield from page["rows"]
            offset = page["next"]

    def why(self, **asked: str | int | Sequence[str]) -> dict[str, Any]:
        """Return /api/v1/why: what a change of spend between the periods `from_` and `to` is made of."""
        return self._get("why", {name.rstrip("_"): value for name, value in asked.items()})

    def verdicts(self, workload: str = "") -> list[dict[str, Any]]:
        """Return the latest verdicts, of one workload or all."""
        rows: list[dict[str, Any]] = self._get("verdicts", {"workload": workload} if workload else {})["rows"]
        return rows

    def query(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of one SELECT; `values` fill its {name:Type} places."""
        found = self._answer(self._http.post("/api/v1/query", json={"sql": sql, "parameters": values}))
        return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]

    def _get(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        words = {key: value if isinstance(value, (str, int)) else ",".join(value) for key, value in asked.items()}
        return self._answer(self._http.get(f"/api/v1/{name}", params=words))

    @staticmethod
    def _answer(answer: httpx2.Response) -> dict[str, Any]:
        if answer.status_code == 200:
            found: dict[str, Any] = answer.json()
            return found
        try:
            error = answer.json()["error"]
        except (ValueError, KeyError, TypeError):
            error = {"code": "Unknown", "message": answer.text[:200] or f"HTTP {answer.status_code}"}
        raise Refused(answer.status_code, error["code"], error["message"])
