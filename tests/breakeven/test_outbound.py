"""Where keys and figures may be sent."""

import pytest

from breakeven.config import parse
from breakeven.outbound import problem
from ledger.errors import ConfigError

FINE = ["https://api.openai.com", "https://10.0.0.5:8443/x", "http://127.0.0.1:4000", "http://localhost:4000", "http://[::1]:80/", "http://10.1.2.3",
        "http://192.168.1.7:9090/federate", "http://collector:4318/v1/metrics", "http://litellm.svc.cluster.local:4000", "http://grafana.lan", "https://[2001:db8::1]/"]  # fmt: skip
WRONG = {
    "http://api.openai.com": "https is needed", "http://8.8.8.8/": "https is needed", "http://169.254.169.254/latest/meta-data": "address of the link",
    "https://169.254.169.254/": "address of the link", "http://[fe80::1]/": "address of the link", "http://[fd00:ec2::254]/": "address of the link",
    "http://metadata.google.internal/": "hands out keys", "ftp://x/": "write https", "file:///etc/passwd": "write https", "x": "write https",
    "https://user:secret@x/": "no name and password", "http://x:port/": "not a URL", "http://[::1": "not a URL",
}  # fmt: skip


@pytest.mark.parametrize("url", FINE)
def test_near_or_encrypted(url):
    assert problem(url) == ""


@pytest.mark.parametrize("url", WRONG)
def test_far_and_open_or_where_keys_lie(url):
    assert WRONG[url] in problem(url)
    assert "secret" not in problem(url)


@pytest.mark.parametrize("given", [
    {"sources": {"a": {"kind": "openai", "key": "k", "base_url": "http://169.254.169.254/"}}},
    {"channels": {"a": {"kind": "webhook", "url": "http://169.254.169.254/"}}},
    {"exports": {"a": {"kind": "otlp", "to": "http://169.254.169.254/"}}},
], ids=["sources", "channels", "exports"])  # fmt: skip
def test_the_configuration_says_which(given):
    name = next(iter(given))
    with pytest.raises(ConfigError, match=rf"{name}\.a\.\w+: an address of the link"):
        parse(given)
