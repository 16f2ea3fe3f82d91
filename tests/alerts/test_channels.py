"""Every channel against a real receiver on loopback: what arrives, what is refused for good, what is tried again."""

import email
import email.policy
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from receivers import http, smtp

from alerts import message
from alerts.channels import CHANNELS, Channel, TransportError, send
from alerts.kept import Kept
from alerts.rule import rules
from alerts.states import Instance

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def said(status="firing", node="a<b>&\n!channel", title=None):
    rule = rules()["idle_gpu"]
    labels = (("node", node), ("gpu", "GPU-1"), ("kind", "abandoned"))
    one = Instance(labels, "firing", AT, AT, None, None, "", 19.2, (("usd_day", 19.2), ("idle_s", 90_000.0)))
    kept = Kept(one, AT, AT, rule.hash, f"GPU-1 on {node}: abandoned for 25.0 h, $19.20 a day")
    alerts = (message.told(rule, kept, status, AT),)
    return message.Message(rule.name, title or rule.title, rule.severity, status, alerts, "key-1", "https://be.example")


def test_webhook_in_grafana_s_form():
    with http() as kept:
        send(Channel("hook", "webhook", kept.url + "/in", "token"), said())
        send(Channel("hook", "webhook", kept.url + "/in", "pw", user="me"), said("resolved"))
    (path, headers, body), (_, later, ended) = kept.came
    assert (path, headers["Authorization"], headers["Idempotency-Key"]) == ("/in", "Bearer token", "key-1")
    assert later["Authorization"].startswith("Basic ")
    assert {k: body[k] for k in ("receiver", "status", "orgId", "version", "truncatedAlerts", "title", "state")} == {
        "receiver": "hook", "status": "firing", "orgId": 1, "version": "1", "truncatedAlerts": 0,
        "title": "[FIRING:1] A GPU is paid for and idle", "state": "alerting",
    }  # fmt: skip
    (one,) = body["alerts"]
    assert {"status", "labels", "annotations", "startsAt", "endsAt", "values", "generatorURL", "fingerprint", "silenceURL",
            "dashboardURL", "panelURL", "imageURL", "ruleUID", "valueString"} == set(one)  # fmt: skip
    assert (one["startsAt"], one["endsAt"]) == ("2026-01-05T12:00:00Z", "0001-01-01T00:00:00Z")
    assert one["labels"]["alertname"] == "A GPU is paid for and idle"
    assert one["labels"]["__alert_rule_uid__"] == one["ruleUID"] == "be-idle-gpu"
    assert one["values"] == {"value": 19.2, "usd_day": 19.2, "idle_s": 90_000.0}
    assert one["panelURL"] == "https://be.example/gpu#idle_map"
    assert (ended["state"], ended["alerts"][0]["endsAt"]) == ("ok", "2026-01-05T12:00:00Z")


def test_webhook_in_alertmanager_s_form():
    with http() as kept:
        send(Channel("hook", "webhook", kept.url, format="alertmanager"), said())
    body = kept.came[0][2]
    assert body["version"] == "4"
    assert set(body) == {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
                         "commonAnnotations", "externalURL", "alerts"}  # fmt: skip
    assert set(body["alerts"][0]) == {
        "status",
        "labels",
        "annotations",
        "startsAt",
        "endsAt",
        "generatorURL",
        "fingerprint",
    }


def test_slack_calls_nobody_by_accident():
    with http() as kept:
        send(Channel("s", "slack", secret=kept.url + "/services/T/B/key"), said(node="<!channel>" + "x" * 4000))
    path, _, body = kept.came[0]
    assert path == "/services/T/B/key"
    texts = [b["text"]["text"] for b in body["blocks"]]
    assert "&lt;!channel&gt;" in texts[1]
    assert not any("<!" in text for text in texts)
    assert max(map(len, texts)) <= 3000
    assert texts[-1] == "<https://be.example/gpu#idle_map|Open in breakeven>"
    assert body["text"].startswith("[FIRING:1]")


def test_teams_takes_a_card():
    with http() as kept:
        send(Channel("t", "teams", secret=kept.url), said())
    (attachment,) = kept.came[0][2]["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"
    assert "$19.20 a day" in attachment["content"]["body"][1]["text"]


def test_pagerduty_opens_and_ends_the_same_incident():
    with http(202) as kept:
        channel = Channel("p", "pagerduty", kept.url, "routing")
        send(channel, said())
        send(channel, said("resolved"))
    first, second = (body for _, _, body in kept.came)
    assert (first["event_action"], second["event_action"]) == ("trigger", "resolve")
    assert first["dedup_key"] == second["dedup_key"]
    assert first["routing_key"] == "routing"
    assert {"summary", "source", "severity"} <= set(first["payload"])
    assert first["payload"]["severity"] in ("info", "warning", "error", "critical")


def test_alertmanager_gets_a_list():
    with http() as kept:
        channel = Channel("a", "alertmanager", kept.url + "/")
        send(channel, said())
        send(channel, said("resolved"))
    (path, _, first), (_, _, second) = kept.came
    assert path == "/api/v2/alerts"
    assert set(first[0]) == {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
    assert first[0]["endsAt"] > "2026-01-06"
    assert second[0]["endsAt"] == "2026-01-05T12:00:00Z"
    assert not any(name.startswith("__") for name in first[0]["labels"])


def test_mail_has_one_subject_line_two_parts_and_a_thread():
    with smtp() as (address, mails):
        channel = Channel(
            "m", "email", address, sender="be@corp.example", to=("a@corp.example", "b@corp.example"), starttls=False
        )
        send(channel, said(title="Two\r\nBcc: evil@example.com"))
        send(channel, said("resolved"))
    first, second = (email.message_from_bytes(raw, policy=email.policy.default) for raw in mails)
    assert first["Subject"] == "[FIRING:1] Two Bcc: evil@example.com"
    assert first["Bcc"] is None
    assert first["To"] == "a@corp.example, b@corp.example"
    assert [part.get_content_type() for part in first.iter_parts()] == ["text/plain", "text/html"]
    assert "&lt;b&gt;" in first.get_body(("html",)).get_content()
    assert first["References"] == second["References"]
    assert "Move work to it" in first.get_body(("plain",)).get_content()


def test_log_and_command_get_a_line(tmp_path, capsys):
    send(Channel("l", "log"), said())
    assert json.loads(capsys.readouterr().out)["status"] == "firing"
    send(Channel("l", "log", path=str(tmp_path / "alerts.jsonl")), said())
    assert json.loads((tmp_path / "alerts.jsonl").read_text())["alerts"][0]["labels"]["gpu"] == "GPU-1"
    script = f"import sys; open({str(tmp_path / 'got')!r}, 'w').write(sys.stdin.read())"
    send(Channel("c", "command", command=(sys.executable, "-c", script)), said())
    assert json.loads((tmp_path / "got").read_text())["title"].startswith("[FIRING:1]")


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "wait"),
    [
        (400, {}, True, 0),
        (404, {}, True, 0),
        (408, {}, False, 0),
        (429, {"Retry-After": "17"}, False, 17),
        (500, {}, False, 0),
        (503, {}, False, 0),
    ],
)
def test_which_answers_are_final(status, headers, permanent, wait):
    with http(status, headers=headers) as kept, pytest.raises(TransportError) as raised:
        send(Channel("s", "slack", secret=kept.url + "/key"), said())
    assert (raised.value.permanent, raised.value.wait_s) == (permanent, wait)
    assert "/key" not in str(raised.value)


@pytest.mark.parametrize(
    ("channel", "permanent"),
    [
        (Channel("w", "webhook", "http://127.0.0.1:9/secret"), False),
        (Channel("m", "email", "smtp://127.0.0.1:9", sender="a@b", to=("c@d",)), False),
        (Channel("c", "command", command=("/nowhere/at/all",)), False),
        (Channel("c", "command", command=("false",)), False),
        (Channel("l", "log", path="/nowhere/at/all"), False),
    ],
    ids=["webhook", "email", "missing", "false", "log"],
)
def test_what_does_not_answer_is_tried_again(channel, permanent):
    with pytest.raises(TransportError) as raised:
        send(channel, said())
    assert raised.value.permanent is permanent
    assert "secret" not in str(raised.value)


def test_refused_receivers_are_final():
    with smtp(refuse=b"550 no such user") as (address, mails), pytest.raises(TransportError, match="refused") as raised:
        send(Channel("m", "email", address, sender="a@b.example", to=("c@d.example",), starttls=False), said())
    assert (raised.value.permanent, mails) == (True, [])


def test_every_kind_is_tested_here():
    source = Path(__file__).read_text("utf-8")
    assert all(f'"{kind}"' in source for kind in CHANNELS)


def test_no_secret_is_printed():
    assert "hush" not in repr(Channel("s", "slack", secret="hush"))
