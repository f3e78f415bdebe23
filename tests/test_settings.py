"""What an operator writes is understood, or refused with what to write instead."""

from pathlib import Path
from typing import Any

import pytest
import trustme

from bot.config.settings import SettingsProblem, load


def variables(folder: Path, **changed: str) -> dict[str, str]:
    """All that is needed, with changes; an empty value takes one away."""
    policy = folder / "policy.toml"
    policy.write_text('[policy]\napprovers = ["S0APPROVERS"]\n', encoding="utf-8")
    return {
        "SLACK_BOT_TOKEN": "xoxb-secret-1",
        "SLACK_APP_TOKEN": "xapp-secret-2",
        "PARTNER_CENTER_TENANT_ID": "tenant",
        "PARTNER_CENTER_CLIENT_ID": "client",
        "PARTNER_CENTER_CLIENT_SECRET": "secret-3",
        "PARTNER_CENTER_REFRESH_TOKEN": "secret-4",
        "UPGRADE_BOT_POLICY": str(policy),
        **changed,
    }


def test_the_defaults_are_those_of_the_readme(tmp_path: Path) -> None:
    """With nothing but what is needed."""
    settings, policies = load(variables(tmp_path))
    assert settings.socket_mode
    assert settings.slack_api_url == "https://slack.com/api"
    assert settings.upgrade_bot_http == ("127.0.0.1", 3000)
    assert settings.partner_center_cloud == "global"
    assert settings.upgrade_bot_database_url.get_secret_value().startswith("sqlite:///")
    assert policies.defaults.approvals == 1


def test_no_secret_is_in_a_repr(tmp_path: Path) -> None:
    """Whatever prints the settings prints stars."""
    settings, _ = load(variables(tmp_path))
    assert "secret-" not in repr(settings)
    assert "secret-" not in str(settings.model_dump())


def test_without_an_app_token_it_is_http_mode(tmp_path: Path) -> None:
    """With the signing secret."""
    changed = variables(tmp_path, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET="8f742231b10e8888")
    assert not load(changed)[0].socket_mode


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"SLACK_APP_TOKEN": ""}, "SLACK_APP_TOKEN is not set."),
        ({"SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN does not begin with xapp-"),
        ({"SLACK_SIGNING_SECRET": "hunter2"}, "SLACK_SIGNING_SECRET is too short"),
        ({"SLACK_API_URL": "http://slack.example"}, "SLACK_API_URL is plain http."),
        ({"SLACK_API_URL": "slack"}, "SLACK_API_URL is no address."),
        ({"PARTNER_CENTER_CLOUD": "germany"}, "PARTNER_CENTER_CLOUD is not understood."),
        ({"PARTNER_CENTER_AUTH": "me"}, "PARTNER_CENTER_AUTH is not understood."),
        ({"PARTNER_CENTER_CLIENT_SECRET": ""}, "PARTNER_CENTER_CLIENT_SECRET is not set."),
        ({"PARTNER_CENTER_CERTIFICATE": "/nowhere"}, "PARTNER_CENTER_CERTIFICATE cannot be read."),
        ({"PARTNER_CENTER_REFRESH_TOKEN": ""}, "PARTNER_CENTER_REFRESH_TOKEN is not set."),
        ({"PARTNER_CENTER_LOGIN_URL": "http://127.0.0.1"}, "PARTNER_CENTER_LOGIN_URL is not https"),
        ({"UPGRADE_BOT_SECRET_KEY": "guess me"}, "UPGRADE_BOT_SECRET_KEY is no key."),
        ({"UPGRADE_BOT_HTTP": "localhost"}, "UPGRADE_BOT_HTTP is not host:port."),
        ({"UPGRADE_BOT_POLICY": ""}, "UPGRADE_BOT_POLICY is not set."),
        ({"UPGRADE_BOT_READ_SECONDS": "soon"}, "UPGRADE_BOT_READ_SECONDS is not understood."),
        ({"SSL_CERT_FILE": "/nowhere"}, "SSL_CERT_FILE: there is no such file."),
    ],
    ids=str,
)
def test_a_mistake_is_named_with_its_fix(
    tmp_path: Path, changed: dict[str, str], words: str
) -> None:
    """One line, and nothing of what was written, which could be a secret."""
    with pytest.raises(SettingsProblem) as refused:
        load(variables(tmp_path, **changed))
    (problem,) = refused.value.problems
    assert problem.startswith(words)
    assert not [value for value in changed.values() if value and value in problem.split()]


def test_a_sign_in_by_login_needs_the_key_instead_of_the_token(tmp_path: Path) -> None:
    """And the application alone needs neither."""
    key = "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="
    assert load(variables(tmp_path, PARTNER_CENTER_REFRESH_TOKEN="", UPGRADE_BOT_SECRET_KEY=key))
    assert load(
        variables(tmp_path, PARTNER_CENTER_REFRESH_TOKEN="", PARTNER_CENTER_AUTH="app_only")
    )


@pytest.mark.parametrize(
    ("kind", "parts", "words"),
    [
        (trustme.KeyType.RSA, "both", None),
        (trustme.KeyType.RSA, "certificate", "lacks the certificate or its private key"),
        (trustme.KeyType.RSA, "key", "lacks the certificate or its private key"),
        (trustme.KeyType.ECDSA, "both", "has no RSA key"),
    ],
    ids=str,
)
def test_a_certificate_is_looked_at_before_it_is_needed(
    tmp_path: Path, kind: Any, parts: str, words: str | None
) -> None:
    """Certificate and private key, of the kind that Microsoft takes."""
    issued = trustme.CA().issue_cert("bot.example", key_type=kind)
    pem = b"" if parts == "key" else issued.cert_chain_pems[0].bytes()
    pem += b"" if parts == "certificate" else issued.private_key_pem.bytes()
    path = tmp_path / "bot.pem"
    path.write_bytes(pem)
    changed = variables(
        tmp_path, PARTNER_CENTER_CERTIFICATE=str(path), PARTNER_CENTER_CLIENT_SECRET=""
    )
    if words is None:
        assert load(changed)
    else:
        with pytest.raises(SettingsProblem, match=words):
            load(changed)
